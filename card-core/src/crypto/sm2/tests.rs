//! SM2 on the examples of the standard, and what must be refused.

use proptest::prelude::*;

use super::*;

const N: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";
const K: &str = "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21";

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).expect("hex").try_into().expect("the length")
}

/// Private key of the examples.
fn private() -> Sm2PrivateKey {
    Sm2PrivateKey::parse(array("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")).expect("in range")
}

fn text(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

#[test]
fn the_signature_of_the_standard() {
    let public = private().public();
    assert_eq!(
        text(public.bytes()),
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
         CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    );
    let digest = sm2_digest(&public, SM2_DEFAULT_ID, b"message digest");
    assert_eq!(text(&digest), "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    let signature = sm2_sign(&private(), &digest, &array(K)).expect("a usable nonce");
    assert_eq!(
        text(&signature),
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    );
    assert!(sm2_verify(&public, &digest, &signature));
    assert!(!sm2_verify(&public, &sm2_digest(&public, b"another", b"message digest"), &signature));
}

#[test]
fn the_cipher_text_of_the_standard() {
    let cipher = sm2_encrypt(&private().public(), b"encryption standard", &array(K)).expect("a usable nonce");
    assert_eq!(
        text(&cipher.point),
        "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73\
         E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    );
    assert_eq!(text(&cipher.hash), "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766");
    assert_eq!(text(&cipher.text), "21886CA989CA9C7D58087307CA93092D651EFA");
    let plain = sm2_decrypt(&private(), &cipher).expect("its own cipher text");
    assert_eq!(plain.as_slice(), b"encryption standard");
}

#[test]
fn a_private_key_is_1_to_n_minus_2() {
    let n: [u8; 32] = array(N);
    let below = |less: u8| {
        let mut bytes = n;
        bytes[31] -= less;
        Sm2PrivateKey::parse(bytes).is_some()
    };
    assert!(below(2) && !below(1) && !below(0));
    let mut one = [0; 32];
    assert!(Sm2PrivateKey::parse(one).is_none());
    one[31] = 1;
    assert!(Sm2PrivateKey::parse(one).is_some());
    assert!(Sm2PrivateKey::parse([0xFF; 32]).is_none());
    assert_eq!(format!("{:?}", private()), "Sm2PrivateKey(..)");
}

#[test]
fn a_nonce_out_of_range_signs_and_enciphers_nothing() {
    for nonce in [[0; 32], array(N), [0xFF; 32]] {
        assert!(sm2_sign(&private(), &[7; 32], &nonce).is_none());
        assert!(sm2_encrypt(&private().public(), b"text", &nonce).is_none());
    }
    assert!(sm2_encrypt(&private().public(), b"", &array(K)).is_none());
}

#[test]
fn what_is_no_point_of_the_curve_is_refused() {
    for bytes in [[0; 64], [0xFF; 64], [1; 64]] {
        assert!(Sm2PublicKey::parse(bytes).is_none());
    }
    let mut other = *private().public().bytes();
    other[63] ^= 1;
    assert!(Sm2PublicKey::parse(other).is_none());
    let cipher = sm2_encrypt(&private().public(), b"text", &array(K)).expect("a usable nonce");
    assert!(sm2_decrypt(&private(), &Sm2Cipher { point: other, ..cipher }).is_none());
}

#[test]
fn a_signature_with_r_or_s_out_of_range_is_none() {
    let public = private().public();
    let digest = sm2_digest(&public, SM2_DEFAULT_ID, b"message");
    let good = sm2_sign(&private(), &digest, &array(K)).expect("a usable nonce");
    for half in [0..32, 32..64] {
        for value in [[0; 32], array(N), [0xFF; 32]] {
            let mut signature = good;
            signature[half.clone()].copy_from_slice(&value);
            assert!(!sm2_verify(&public, &digest, &signature), "{half:?}");
        }
    }
    // r + s = n: no signature has it.
    let n_minus_1: [u8; 32] = array("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122");
    let mut one = [0; 32];
    one[31] = 1;
    assert!(!sm2_verify(&public, &digest, &array(&format!("{}{}", text(&one), text(&n_minus_1)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_one_key_signs_and_enciphers_only_that_key_proves(
        d in any::<[u8; 32]>(), k in any::<[u8; 32]>(), message in proptest::collection::vec(any::<u8>(), 1..100),
        bit in 0_usize..512,
    ) {
        let (Some(private), Some(_)) = (Sm2PrivateKey::parse(d), super::scalar(&k)) else { return Ok(()) };
        let public = private.public();
        prop_assert_eq!(Sm2PublicKey::parse(*public.bytes()), Some(public));
        let digest = sm2_digest(&public, SM2_DEFAULT_ID, &message);
        let signature = sm2_sign(&private, &digest, &k).expect("a usable nonce");
        prop_assert!(sm2_verify(&public, &digest, &signature));
        let mut bent = signature;
        bent[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!sm2_verify(&public, &digest, &bent));
        let cipher = sm2_encrypt(&public, &message, &k).expect("a usable nonce");
        let plain = sm2_decrypt(&private, &cipher).expect("its own cipher text");
        prop_assert_eq!(plain.as_slice(), &message[..]);
        let mut bent = cipher.clone();
        let at = bit % bent.text.len();
        bent.text[at] ^= 1;
        prop_assert!(sm2_decrypt(&private, &bent).is_none());
        let mut bent = cipher;
        bent.hash[bit / 16] ^= 1;
        prop_assert!(sm2_decrypt(&private, &bent).is_none());
    }
}
