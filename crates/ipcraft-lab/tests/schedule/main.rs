//! The policies in exact time: published schedules, and properties of random ones.

mod bursts;
mod lottery;
mod properties;
mod published;
mod realtime;
mod scale;
mod support;
mod ticks;
