//! Whoever writes less is refused less: an entry is never refused where one passes that matches the
//! same origins and more, whatever exceptions the policy makes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
