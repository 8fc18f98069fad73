//! A file that changes: a bitmap of a hull afloat, redrawn at times with its water line elsewhere. `PUT` replaces it and
//! `DELETE` takes it offline.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use bytes::Bytes;
use http::header::{LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Outcome, Refusal};
use super::clock::step;
use super::honest;
use super::request;
use super::world::{World, lock, mix_below};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;
/// The file header and the oldest info header that every reader knows.
const HEADERS: u32 = 14 + 40;
/// Three bytes for a pixel; 96 of them fill whole words, so rows need no padding.
const PIXELS: u32 = WIDTH * HEIGHT * 3;
const MAX_PICTURE: usize = 1024 * 1024;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/picture.bmp", get(show).put(replace).delete(take_offline))
}

/// What is behind the URL.
#[derive(Debug)]
pub(super) enum Picture {
    /// The origin's own drawing, kept as it was last drawn: the step it belongs to, and the file.
    Drawn {
        last: Option<(u64, Bytes)>,
    },
    /// What somebody put there.
    Put {
        bytes: Bytes,
        at: SystemTime,
    },
    Offline,
}

impl Default for Picture {
    fn default() -> Self {
        Self::Drawn { last: None }
    }
}

async fn show(State(world): State<Arc<World>>) -> Outcome {
    represent(&world, &mut lock(&world.picture))
}

/// The picture as it is now, drawn if its time has come; 404 if it is offline.
fn represent(world: &World, picture: &mut Picture) -> Outcome {
    let (bytes, modified) = match picture {
        Picture::Put { bytes, at } => (bytes.clone(), *at),
        Picture::Drawn { last } => {
            let (step, stepped) = step(world.now(), world.redraw);
            let bytes = match last {
                Some((drawn, bytes)) if *drawn == step => bytes.clone(),
                _ => last.insert((step, draw(world.seed, step))).1.clone(),
            };
            (bytes, stepped)
        }
        Picture::Offline => {
            let message = "the picture was taken offline; PUT brings one back";
            return Err(Refusal::new(StatusCode::NOT_FOUND, message));
        }
    };
    Ok(Answer::whole("image/bmp", bytes).modified(modified).field(X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

async fn replace(State(world): State<Arc<World>>, request: Request) -> Outcome {
    if request::media_type(request.headers()) != "image/bmp" {
        let message = "the picture is a bitmap: send Content-Type: image/bmp";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let fields = request.headers().clone();
    let bytes = request::content(request, MAX_PICTURE).await?;
    if !is_bitmap(&bytes) {
        let message = "this is no bitmap: it must begin with BM and its own length, and hold both headers";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
    }
    // A copy of its own: the bytes as received would keep the connection's whole buffer alive.
    let bytes = Bytes::copy_from_slice(&bytes);
    let mut picture = lock(&world.picture);
    let before = represent(&world, &mut picture);
    honest::permit(&world, &fields, before.as_ref().ok())?;
    *picture = Picture::Put { bytes, at: world.now() };
    Ok(match before {
        Ok(_) => Answer::empty(StatusCode::NO_CONTENT),
        Err(_) => Answer::empty(StatusCode::CREATED).field(LOCATION, "/picture.bmp"),
    })
}

async fn take_offline(State(world): State<Arc<World>>, fields: HeaderMap) -> Outcome {
    let mut picture = lock(&world.picture);
    let before = represent(&world, &mut picture)?;
    honest::permit(&world, &fields, Some(&before))?;
    *picture = Picture::Offline;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Whether the bytes begin as a bitmap that is as long as it says.
fn is_bitmap(bytes: &[u8]) -> bool {
    let Some((b"BM", rest)) = bytes.split_first_chunk::<2>() else { return false };
    let Some((length, rest)) = rest.split_first_chunk::<4>() else { return false };
    let announced = u32::from_le_bytes(*length);
    rest.len() >= 48 && usize::try_from(announced).is_ok_and(|announced| announced == bytes.len())
}

/// The drawing of that step: sky, a hull with its load line mark, and water somewhere up the hull.
fn draw(seed: u64, step: u64) -> Bytes {
    // The picture always moves: steps alternate between the lower and the upper half of the hull.
    let half = if step.is_multiple_of(2) { 0 } else { 9 };
    let water = 14 + half + mix_below(seed, &[step], 9);
    let mut file = headers();
    // Rows of a bitmap go from the bottom up.
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            file.extend_from_slice(&colour(x, y, water));
        }
    }
    Bytes::from(file)
}

fn headers() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(b"BM");
    for word in [HEADERS + PIXELS, 0, HEADERS, 40, WIDTH, HEIGHT] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for half in [1_u16, 24] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    for word in [0, PIXELS, 2_835, 2_835, 0, 0] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file
}

/// Blue, green, red of one pixel, counted from the lower left.
fn colour(x: u32, y: u32, water: u32) -> [u8; 3] {
    let overhang = y.saturating_sub(10) / 4;
    let hull = (10..44).contains(&y) && (16_u32.saturating_sub(overhang)..80 + overhang).contains(&x);
    let (across, up) = (x.abs_diff(48), y.abs_diff(27));
    let distance = across * across + up * up;
    let mark = hull && ((49..=81).contains(&distance) || (up == 0 && across <= 13));
    match (mark, hull, y < water) {
        (true, _, _) => [245, 245, 245],
        (_, true, true) => [40, 30, 110],
        (_, true, false) => [50, 45, 45],
        (_, _, true) => [140, 90, 20],
        (_, _, false) => [235, 215, 190],
    }
}
