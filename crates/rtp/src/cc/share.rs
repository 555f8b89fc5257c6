//! One bitrate for several sources, as a remote tells it (draft-alvestrand-rmcat-remb-03): who gets how much of it.

/// What a source wants of a bitrate that is to be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Its part in proportion to those of the others; 0 counts as 1.
    pub share: u32,
    /// The most it can use, bit/s.
    pub most: Option<u64>,
}

/// Parts of `total` in proportion to the shares, where nobody gets more than it can use: what that leaves is for the others.
pub fn split(total: u64, wants: &[Want]) -> Vec<u64> {
    let mut parts: Vec<Option<u64>> = vec![None; wants.len()];
    loop {
        let left = total.saturating_sub(parts.iter().flatten().sum());
        let open = || wants.iter().zip(&parts).filter(|(_, part)| part.is_none());
        let weights: u128 = open().map(|(want, _)| u128::from(want.share.max(1))).sum();
        let part = |want: &Want| {
            let part = u128::from(left) * u128::from(want.share.max(1)) / weights.max(1);
            u64::try_from(part).unwrap_or(u64::MAX)
        };
        let is_settled = open().all(|(want, _)| want.most.is_none_or(|most| most >= part(want)));
        for (want, slot) in wants.iter().zip(&mut parts).filter(|(_, part)| part.is_none()) {
            match want.most {
                Some(most) if most < part(want) => *slot = Some(most),
                _ if is_settled => *slot = Some(part(want)),
                _ => {}
            }
        }
        if is_settled {
            return parts.into_iter().flatten().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(share: u32, most: Option<u64>) -> Want {
        Want { share, most }
    }

    #[test]
    fn a_bitrate_is_split_by_shares() {
        assert_eq!(split(700, &[want(1, None), want(2, None), want(4, None)]), [100, 200, 400]);
        assert_eq!(split(700, &[want(0, None), want(0, None)]), [350, 350]);
        assert_eq!(split(700, &[]), []);
    }

    #[test]
    fn what_one_cannot_use_is_for_the_others() {
        assert_eq!(split(1000, &[want(1, Some(100)), want(1, None), want(1, None)]), [100, 450, 450]);
        // What the first leaves brings the second to its limit as well.
        assert_eq!(split(1000, &[want(1, Some(100)), want(1, Some(400)), want(1, None)]), [100, 400, 500]);
        assert_eq!(split(1000, &[want(1, Some(10)), want(9, Some(20))]), [10, 20]);
        assert_eq!(split(u64::MAX, &[want(u32::MAX, None), want(u32::MAX, None)]), [u64::MAX / 2; 2]);
    }
}
