//! The coded picture of a JPEG file, walked block by block: a decoder conceals what is damaged, this does not.
//!
//! Source: ISO/IEC 10918-1: B.2.4 (tables), C.2 and F.2.2 (Huffman decoding, sequential), E.2.4 (restarts), A.2 (order of blocks).
//! Owns: whether every scan holds exactly the blocks of its components, and nothing between its last bit and the next marker.
//! Never: computes a pixel; reads progressive or arithmetic coding (`head` refuses them); allocates by what a file says.
//! Units: sampling factors 1 to 4, restart interval in units of blocks (MCU).

/// Components of a picture that is looked at.
const COMPONENTS: usize = 3;
/// The largest difference of mean values that 8 bits a sample give: 11 bits (F.1.2.1.1).
const DIFFERENCE_BITS_MAX: u8 = 11;
/// Coefficients that follow the mean have 10 bits.
const COEFFICIENT_BITS_MAX: u8 = 10;
/// Mean values of blocks, taken back by their quantization: 8 times the samples' 128 (A.3.3). White is at its edge, so that what shifts all
/// blocks behind it is seen here, or on the background.
const MEAN_MAX: i32 = 1024;

/// A component of the frame.
#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    quantization: usize,
}

/// A table of codes: how many there are of each length, and their values in order.
#[derive(Clone, Copy)]
struct Codes<'a> {
    counts: &'a [u8; 16],
    values: &'a [u8],
}

/// What a scan says of one of its components.
#[derive(Clone, Copy)]
struct Coded<'a> {
    component: Component,
    means: Codes<'a>,
    others: Codes<'a>,
    /// What mean values are multiplied by.
    step: i32,
    /// Mean value of the block before.
    mean: i32,
}

/// What was said before a scan.
#[derive(Default)]
struct Tables<'a> {
    means: [Option<Codes<'a>>; 4],
    others: [Option<Codes<'a>>; 4],
    /// First value of each table of quantization.
    steps: [i32; 4],
    restart: usize,
    size: (usize, usize),
    components: [Component; COMPONENTS],
}

/// Bits of coded bytes, up to a marker.
struct Bits<'a> {
    rest: &'a [u8],
    held: u32,
    count: u8,
}

/// Whether every scan of the picture is whole, and each component stands in one of them.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    walk(bytes).is_some()
}

fn walk(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.strip_prefix(b"\xFF\xD8")?;
    let mut tables = Tables::default();
    let mut seen = 0;
    loop {
        let (marker, after) = rest.strip_prefix(b"\xFF")?.split_first()?;
        match *marker {
            0xFF => {
                rest = rest.get(1..)?;
                continue;
            }
            0xD9 => return (seen == COMPONENTS).then_some(()),
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let (segment, behind) = after.split_at_checked(length)?;
        let body = segment.get(2..)?;
        rest = behind;
        match *marker {
            0xC0 | 0xC1 => tables.frame(body)?,
            0xC4 => tables.codes(body)?,
            0xDB => tables.quantization(body)?,
            0xDD => tables.restart = usize::from(u16::from_be_bytes(*body.first_chunk()?)),
            0xDA => {
                let (mut coded, count) = tables.scan(body)?;
                rest = tables.blocks(coded.get_mut(..count)?, behind)?;
                seen += count;
            }
            _ => {}
        }
    }
}

impl<'a> Tables<'a> {
    fn frame(&mut self, body: &[u8]) -> Option<()> {
        let ([8, h1, h0, w1, w0, 3], rows) = body.split_first_chunk()? else { return None };
        self.size = (usize::from(u16::from_be_bytes([*w1, *w0])), usize::from(u16::from_be_bytes([*h1, *h0])));
        for (component, row) in self.components.iter_mut().zip(rows.chunks_exact(3)) {
            let [id, factors, quantization] = row else { return None };
            let (horizontal, vertical) = (usize::from(factors >> 4), usize::from(factors & 15));
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) {
                return None;
            }
            *component = Component { id: *id, horizontal, vertical, quantization: usize::from(*quantization) };
        }
        Some(())
    }

    fn codes(&mut self, mut body: &'a [u8]) -> Option<()> {
        while let Some((place, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, rest) = rest.split_at_checked(total)?;
            let group = if place >> 4 == 0 { &mut self.means } else { &mut self.others };
            *group.get_mut(usize::from(place & 15))? = Some(Codes { counts, values });
            body = rest;
        }
        Some(())
    }

    fn quantization(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((place, rest)) = body.split_first() {
            let wide = place >> 4 == 1;
            let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
            let [first, second, ..] = values else { return None };
            let step = if wide { u16::from_be_bytes([*first, *second]) } else { u16::from(*first) };
            *self.steps.get_mut(usize::from(place & 15))? = i32::from(step);
            body = rest;
        }
        Some(())
    }

    /// The components of a scan, and how many there are.
    fn scan(&self, body: &[u8]) -> Option<([Coded<'a>; COMPONENTS], usize)> {
        let (count, rows) = body.split_first()?;
        let count = usize::from(*count);
        let mut found = [None; COMPONENTS];
        for (place, row) in found.iter_mut().take(count).zip(rows.chunks_exact(2)) {
            let [id, codes] = row else { return None };
            let component = *self.components.iter().find(|known| known.id == *id && known.horizontal > 0)?;
            let means = (*self.means.get(usize::from(codes >> 4))?)?;
            let others = (*self.others.get(usize::from(codes & 15))?)?;
            let step = *self.steps.get(component.quantization)?;
            *place = Some(Coded { component, means, others, step, mean: 0 });
        }
        let first = found[0]?;
        let all = found.iter().filter(|one| one.is_some()).count();
        (count == all).then_some((found.map(|one| one.unwrap_or(first)), count))
    }

    /// Walks the blocks of a scan; what follows it.
    fn blocks<'b>(&self, coded: &mut [Coded<'a>], bytes: &'b [u8]) -> Option<&'b [u8]> {
        let most = |of: fn(&Component) -> usize| self.components.iter().map(of).max();
        let (widest, highest) = (most(|one| one.horizontal)?, most(|one| one.vertical)?);
        let (width, height) = self.size;
        let alone = coded.len() == 1;
        let units = match coded {
            // Of one component alone only the blocks that hold something of the picture.
            [one] => {
                let across = (width * one.component.horizontal).div_ceil(widest).div_ceil(8);
                across * (height * one.component.vertical).div_ceil(highest).div_ceil(8)
            }
            _ => width.div_ceil(8 * widest) * height.div_ceil(8 * highest),
        };
        let mut bits = Bits { rest: bytes, held: 0, count: 0 };
        let mut restart = 0_u8;
        for unit in 0..units {
            if self.restart > 0 && unit > 0 && unit.is_multiple_of(self.restart) {
                bits = Bits { rest: bits.end()?.strip_prefix(&[0xFF, 0xD0 | restart])?, held: 0, count: 0 };
                restart = (restart + 1) % 8;
                coded.iter_mut().for_each(|one| one.mean = 0);
            }
            for one in coded.iter_mut() {
                let blocks = if alone { 1 } else { one.component.horizontal * one.component.vertical };
                for _ in 0..blocks {
                    one.block(&mut bits)?;
                }
            }
        }
        bits.end()
    }
}

impl Coded<'_> {
    fn block(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let length = self.means.next(bits)?;
        if length > DIFFERENCE_BITS_MAX {
            return None;
        }
        self.mean += bits.value(length)?;
        if self.mean.abs() * self.step > MEAN_MAX + self.step {
            return None;
        }
        let mut place = 1;
        while place < 64 {
            let code = self.others.next(bits)?;
            let (run, length) = (code >> 4, code & 15);
            match (run, length) {
                (0, 0) => return Some(()),
                (15, 0) => place += 16,
                (_, 0) => return None,
                _ => {
                    place += u16::from(run) + 1;
                    if length > COEFFICIENT_BITS_MAX {
                        return None;
                    }
                    bits.value(length)?;
                }
            }
        }
        (place == 64).then_some(())
    }
}

impl Codes<'_> {
    /// The next value (F.2.2.3).
    fn next(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let (mut code, mut first, mut before) = (0_u32, 0_u32, 0_usize);
        for count in self.counts {
            code |= bits.take(1)?;
            let count = u32::from(*count);
            if code < first + count {
                return self.values.get(before + usize::try_from(code.checked_sub(first)?).ok()?).copied();
            }
            before += usize::try_from(count).ok()?;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

impl<'a> Bits<'a> {
    fn take(&mut self, wanted: u8) -> Option<u32> {
        while self.count < wanted {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = if *byte == 0xFF { rest.strip_prefix(&[0])? } else { rest };
            self.held = self.held << 8 | u32::from(*byte);
            self.count += 8;
        }
        self.count -= wanted;
        Some(self.held >> self.count & ((1 << wanted) - 1))
    }

    /// A number of so many bits, of which the first says the sign (F.2.2.1).
    fn value(&mut self, length: u8) -> Option<i32> {
        if length == 0 {
            return Some(0);
        }
        let value = i32::try_from(self.take(length)?).ok()?;
        Some(if value < 1 << (length - 1) { value - (1 << length) + 1 } else { value })
    }

    /// What follows when fewer than eight bits are left and a marker stands there.
    fn end(&self) -> Option<&'a [u8]> {
        let marker = matches!(self.rest, [0xFF, marker, ..] if *marker != 0);
        (self.count < 8 && marker).then_some(self.rest)
    }
}
