//! The ICE credentials in a description (RFC 8839 §5.4).

use peerless_wire::sdp::Description;

use crate::jsep::view::Credentials;

/// Those of all sections that are in use, each once.
pub fn all(description: &Description) -> Vec<Credentials> {
    let mut all = Vec::new();
    for media in &description.media {
        let (ufrag, password) = (description.ice_ufrag(media), description.ice_pwd(media));
        let Some((ufrag, password)) = ufrag.zip(password) else { continue };
        let one = Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}
