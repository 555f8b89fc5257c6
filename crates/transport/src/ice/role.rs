//! Who nominates, and what happens when both think they do (RFC 8445 §6.1.1, §7.3.1.1).

/// The role of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) is_controlling: bool,
    /// Decides a conflict: the larger keeps its role, or gets the controlling one.
    pub(crate) tie_breaker: u64,
}

/// The role a check claims for its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) is_controlling: bool,
    pub(crate) tie_breaker: u64,
}

/// What to do about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The roles differ, as they should.
    Agreed,
    /// We take the other role.
    Switch,
    /// The sender must: 487.
    Refuse,
}

impl Role {
    /// Compares a claim with our role.
    pub(crate) fn resolve(&self, claim: Claim) -> Resolution {
        if self.is_controlling != claim.is_controlling {
            return Resolution::Agreed;
        }
        match (self.is_controlling, self.tie_breaker >= claim.tie_breaker) {
            (true, true) | (false, false) => Resolution::Refuse,
            (true, false) | (false, true) => Resolution::Switch,
        }
    }
}

impl Claim {
    /// Compares it with the role of a lite agent, which is always the controlled one (RFC 8445 §6.1.1).
    pub(crate) fn resolve_as_lite(self) -> Resolution {
        if self.is_controlling { Resolution::Agreed } else { Resolution::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_tie_breaker_ends_up_controlling() {
        for is_controlling in [true, false] {
            let role = |tie_breaker| Role { is_controlling, tie_breaker };
            let claim = |tie_breaker| Claim { is_controlling, tie_breaker };
            let (larger, smaller) = (role(2).resolve(claim(1)), role(1).resolve(claim(2)));
            let expected = match is_controlling {
                true => (Resolution::Refuse, Resolution::Switch),
                false => (Resolution::Switch, Resolution::Refuse),
            };
            assert_eq!((larger, smaller), expected);
        }
        let differs = Claim { is_controlling: false, tie_breaker: u64::MAX };
        assert_eq!(Role { is_controlling: true, tie_breaker: 0 }.resolve(differs), Resolution::Agreed);
    }
}
