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
    // RFC 6455 §5.3: "j = i MOD 4; transformed-octet-i = original-octet-i XOR masking-key-octet-j".
    // Eight octets at a time: two turns of the key in one word, which the compiler widens further.
    let key = u32::from_le_bytes(key).rotate_right([0, 8, 16, 24][offset % 4]);
    let word = u64::from(key) << 32 | u64::from(key);
    let (chunks, tail) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_le_bytes(*chunk) ^ word).to_le_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(word.to_le_bytes()) {
        *byte ^= key;
    }
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
}
