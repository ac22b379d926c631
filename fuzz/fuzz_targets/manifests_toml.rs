#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mlist::fuzz::manifests_toml(data));
