//! When negotiation is needed (webrtc-pc §4.7.3).

use crate::script::run;

#[test]
fn pc_4_7_3_a_transceiver_without_section_needs_negotiation() {
    run("pc_4_7_3_a_transceiver_without_section_needs_negotiation");
}

#[test]
fn pc_4_7_3_an_answerer_that_wants_more_than_was_offered() {
    run("pc_4_7_3_an_answerer_that_wants_more_than_was_offered");
}

#[test]
fn pc_4_7_3_data_channels() {
    run("pc_4_7_3_data_channels");
}

#[test]
fn pc_4_7_3_direction_of_the_answerer() {
    run("pc_4_7_3_direction_of_the_answerer");
}

#[test]
fn pc_4_7_3_direction_of_the_offerer() {
    run("pc_4_7_3_direction_of_the_offerer");
}

#[test]
fn pc_4_7_3_removed_tracks() {
    run("pc_4_7_3_removed_tracks");
}

#[test]
fn pc_4_7_3_settled_by_the_remotes_offer() {
    run("pc_4_7_3_settled_by_the_remotes_offer");
}

#[test]
fn pc_4_7_3_several_changes_need_one_negotiation() {
    run("pc_4_7_3_several_changes_need_one_negotiation");
}

#[test]
fn pc_4_7_3_stopping() {
    run("pc_4_7_3_stopping");
}

#[test]
fn pc_4_7_3_streams() {
    run("pc_4_7_3_streams");
}

#[test]
fn pc_4_7_3_waits_for_our_offer_to_be_answered() {
    run("pc_4_7_3_waits_for_our_offer_to_be_answered");
}

#[test]
fn pc_4_7_3_waits_for_the_remotes_offer_to_be_answered() {
    run("pc_4_7_3_waits_for_the_remotes_offer_to_be_answered");
}

#[test]
fn pc_4_7_3_what_needs_nothing() {
    run("pc_4_7_3_what_needs_nothing");
}
