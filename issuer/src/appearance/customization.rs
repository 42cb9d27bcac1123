//! CSS and logo of the classic pages.

use cognito_model::Timestamp;
use cognito_model::idp::types::{AssetExtensionType, UICustomizationType};
use common::clock::UnixMillis;
use common::ids::PoolId;

use super::{css, images};

/// The client that stands for all that have nothing of their own.
pub const ALL: &str = "ALL";
/// Cognito: a logo has at most 100 KB.
const LARGEST_LOGO: usize = 100 * 1024;

/// What a client's pages, or those of all clients, look like.
#[derive(Clone, Debug)]
pub struct Customization {
    pub pool: PoolId,
    /// A client id, or [`ALL`].
    pub client: String,
    pub css: Option<String>,
    pub image: Option<Image>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// A logo.
#[derive(Clone, Debug)]
pub struct Image {
    pub extension: &'static str,
    pub bytes: Vec<u8>,
}

/// The first thing that is wrong with what is to be shown.
pub fn checked(css: Option<&str>, image: Option<Vec<u8>>) -> Result<Option<Image>, String> {
    css.map_or(Ok(()), css::check)?;
    image.filter(|bytes| !bytes.is_empty()).map(logo).transpose()
}

fn logo(bytes: Vec<u8>) -> Result<Image, String> {
    if bytes.len() > LARGEST_LOGO {
        return Err("ImageFile is larger than 100 KB.".into());
    }
    let types = [(AssetExtensionType::Png, "png"), (AssetExtensionType::Jpeg, "jpg")];
    let known = types.into_iter().find(|(kind, _)| images::is(*kind, &bytes));
    let (_, extension) = known.ok_or("ImageFile must be a PNG or JPEG image.")?;
    Ok(Image { extension, bytes })
}

impl Customization {
    pub fn describe(&self, public_url: &str) -> UICustomizationType {
        let version: String = self.modified.to_rfc3339().chars().filter(char::is_ascii_digit).collect();
        let image_url = self.image.as_ref().map(|image| {
            format!("{public_url}/{}/{}/{version}/assets/images/image.{}", self.pool, self.client, image.extension)
        });
        UICustomizationType {
            css: self.css.clone(),
            css_version: Some(version),
            client_id: Some(self.client.clone()),
            creation_date: Some(Timestamp::from(self.created)),
            image_url,
            last_modified_date: Some(Timestamp::from(self.modified)),
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logos_are_small_images() {
        let png = b"\x89PNG\r\n\x1a\n".to_vec();
        assert_eq!(checked(None, Some(png.clone())).unwrap().unwrap().extension, "png");
        assert_eq!(checked(None, Some(b"\xff\xd8\xff".to_vec())).unwrap().unwrap().extension, "jpg");
        assert!(checked(Some(""), Some(Vec::new())).unwrap().is_none());
        assert!(checked(None, Some(b"GIF89a".to_vec())).unwrap_err().contains("PNG or JPEG"));
        let mut large = png;
        large.resize(LARGEST_LOGO + 1, 0);
        assert!(checked(None, Some(large)).unwrap_err().contains("100 KB"));
        assert!(checked(Some("body {}"), None).is_err());
    }
}
