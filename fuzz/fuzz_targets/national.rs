//! National interface: any bytes are a request, an answer, a result file, an archive, or are refused with their place.
#![no_main]

use settlement::national::envelope::{Request, Response};
use settlement::national::field::{Reading, Unit};
use settlement::national::message::{self, Body, Call};
use settlement::national::{archive, statement};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for how in [Reading::Lenient, Reading::Strict(Unit::Characters), Reading::Strict(Unit::Gb18030)] {
        if let Ok(request) = Request::read(bytes, how) {
            inputs(&request, how);
        }
    }
    if let Ok(answer) = Response::read(bytes) {
        let _ = answer.is_done();
        outputs(&answer);
    }
    if let Ok(rows) = statement::result(bytes) {
        let file = statement::result_file(&rows);
        assert_eq!(statement::result(file.as_bytes()).map(|rows| rows.len()).ok(), Some(rows.len()));
    }
    if let Ok(file) = archive::unpack(bytes) {
        let packed = archive::pack("a.txt", &file).expect("what was unpacked fits");
        assert_eq!(archive::unpack(&packed).ok(), Some(file));
    }
});

fn inputs(request: &Request, how: Reading) {
    fn read<I: Body, O: Body>(_: Call<I, O>, request: &Request, how: Reading) {
        let _ = I::read(&request.input, how);
    }
    read(message::SIGN_IN, request, how);
    read(message::PERSON, request, how);
    read(message::BENEFIT, request, how);
    read(message::SETTLE, request, how);
    read(message::CANCEL, request, how);
    read(message::REVERSE, request, how);
    read(message::TOTALS, request, how);
    read(message::DETAIL, request, how);
    read(message::UPLOAD, request, how);
    read(message::DOWNLOAD, request, how);
}

fn outputs(answer: &Response) {
    fn read<I: Body, O: Body>(_: Call<I, O>, answer: &Response) {
        let _ = answer.body::<O>();
    }
    read(message::SIGN_IN, answer);
    read(message::PERSON, answer);
    read(message::BENEFIT, answer);
    read(message::SETTLE, answer);
    read(message::TOTALS, answer);
    read(message::DETAIL, answer);
    read(message::DETAIL_QUERY, answer);
    read(message::UPLOAD, answer);
}
