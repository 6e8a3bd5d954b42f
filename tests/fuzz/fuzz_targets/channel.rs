//! The contents of a channel's memory, made by libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ipcraft_tests::corrupting_peer::fuzz(data));
