//! Masking (RFC 6455 §5.3).

/// Masks or unmasks a piece of a payload, in place; `offset` is where in the payload it begins.
///
/// ```
/// let mut payload = *b"hello";
/// wsrelay_core::wire::mask([1, 2, 3, 4], 0, &mut payload);
/// // The second half, on its own.
/// wsrelay_core::wire::mask([1, 2, 3, 4], 2, &mut payload[2..]);
/// assert_eq!(&payload[2..], b"llo");
/// ```
#[inline]
pub fn mask(key: [u8; 4], offset: usize, bytes: &mut [u8]) {
    _ = mask_and_look(key, offset, bytes);
}

/// The same; whether what came out is ASCII, for which it is looked at anyway.
#[inline]
pub(crate) fn mask_and_look(key: [u8; 4], offset: usize, bytes: &mut [u8]) -> bool {
    // RFC 6455 §5.3: "j = i MOD 4; transformed-octet-i = original-octet-i XOR masking-key-octet-j".
    // Eight octets at a time: two turns of the key in one word, which the compiler widens further.
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let key = u32::from_le_bytes(key).rotate_right([0, 8, 16, 24][offset % 4]);
    let word = u64::from(key) << 32 | u64::from(key);
    let (chunks, tail) = bytes.as_chunks_mut::<8>();
    let mut all = 0;
    for chunk in chunks {
        let unmasked = u64::from_le_bytes(*chunk) ^ word;
        all |= unmasked;
        *chunk = unmasked.to_le_bytes();
    }
    let mut rest = 0;
    for (byte, key) in tail.iter_mut().zip(word.to_le_bytes()) {
        *byte ^= key;
        rest |= *byte;
    }
    (all & HIGH) == 0 && rest.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use alloc::vec::Vec;

    #[test]
    fn the_masked_hello_of_the_rfc_is_unmasked() {
        // RFC 6455 §5.7: "A single-frame masked text message".
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        mask([0x37, 0xfa, 0x21, 0x3d], 0, &mut payload);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn masking_agrees_with_the_naive_loop_at_every_offset() {
        #[expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]
        fn mask_agrees_with_naive(key: (u8, u8, u8, u8), offset: usize, bytes: Vec<u8>) -> bool {
            let key = [key.0, key.1, key.2, key.3];
            (0..8).all(|more| {
                let offset = offset.wrapping_add(more);
                let (mut fast, mut slow) = (bytes.clone(), bytes.clone());
                mask(key, offset, &mut fast);
                naive(key, offset, &mut slow);
                fast == slow
            })
        }
        check(1000, mask_agrees_with_naive as fn((u8, u8, u8, u8), usize, Vec<u8>) -> bool);
    }

    fn naive(key: [u8; 4], offset: usize, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte ^= key[offset.wrapping_add(index) % 4];
        }
    }

    #[test]
    fn ascii_is_seen_wherever_it_ends() {
        fn sees_what_is_there(key: [u8; 4], offset: usize, bytes: Vec<u8>) -> bool {
            let (mut ascii, mut other) = (bytes.iter().map(|byte| byte & 0x7f).collect::<Vec<_>>(), bytes);
            let is_ascii = other.is_ascii();
            for bytes in [&mut ascii, &mut other] {
                mask(key, offset, bytes);
            }
            mask_and_look(key, offset, &mut ascii) && mask_and_look(key, offset, &mut other) == is_ascii
        }
        check(2_000, sees_what_is_there as fn([u8; 4], usize, Vec<u8>) -> bool);
    }
}
