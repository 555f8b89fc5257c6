//! Transceivers, senders, receivers and their tracks (webrtc-pc §5).

use crate::script::run;

#[test]
fn pc_5_1_1_a_direction_that_ceases_mutes_and_comes_back() {
    run("pc_5_1_1_a_direction_that_ceases_mutes_and_comes_back");
}

#[test]
fn pc_5_1_1_our_answer_that_takes_nothing_ends_the_streams() {
    run("pc_5_1_1_our_answer_that_takes_nothing_ends_the_streams");
}

#[test]
fn pc_5_1_1_streams_change() {
    run("pc_5_1_1_streams_change");
}

#[test]
fn pc_5_1_1_tracks_begin_with_ids_and_streams() {
    run("pc_5_1_1_tracks_begin_with_ids_and_streams");
}

#[test]
fn pc_5_1_1_tracks_of_the_answerer_begin_with_its_answer() {
    run("pc_5_1_1_tracks_of_the_answerer_begin_with_its_answer");
}

#[test]
fn pc_5_1_add_track_does_not_reuse_one_that_sent() {
    run("pc_5_1_add_track_does_not_reuse_one_that_sent");
}

#[test]
fn pc_5_1_add_track_does_not_reuse_one_that_stops() {
    run("pc_5_1_add_track_does_not_reuse_one_that_stops");
}

#[test]
fn pc_5_1_add_track_of_a_track_that_is_sent() {
    run("pc_5_1_add_track_of_a_track_that_is_sent");
}

#[test]
fn pc_5_1_add_track_reuses_a_transceiver_that_never_sent() {
    run("pc_5_1_add_track_reuses_a_transceiver_that_never_sent");
}

#[test]
fn pc_5_1_add_track_takes_what_a_remote_offer_made() {
    run("pc_5_1_add_track_takes_what_a_remote_offer_made");
}

#[test]
fn pc_5_1_add_track_turns_inactive_to_sendonly() {
    run("pc_5_1_add_track_turns_inactive_to_sendonly");
}

#[test]
fn pc_5_1_add_transceiver() {
    run("pc_5_1_add_transceiver");
}

#[test]
fn pc_5_1_remove_track_and_directions() {
    run("pc_5_1_remove_track_and_directions");
}

#[test]
fn pc_5_1_remove_track_of_a_stopped_transceiver() {
    run("pc_5_1_remove_track_of_a_stopped_transceiver");
}

#[test]
fn pc_5_1_remove_track_of_another_connection() {
    run("pc_5_1_remove_track_of_another_connection");
}

#[test]
fn pc_5_2_replace_track() {
    run("pc_5_2_replace_track");
}

#[test]
fn pc_5_2_replace_track_carries_on_sending() {
    run("pc_5_2_replace_track_carries_on_sending");
}

#[test]
fn pc_5_2_set_streams() {
    run("pc_5_2_set_streams");
}

#[test]
fn pc_5_3_muted_by_direction() {
    run("pc_5_3_muted_by_direction");
}

#[test]
fn pc_5_3_muted_by_goodbye() {
    run("pc_5_3_muted_by_goodbye");
}

#[test]
fn pc_5_3_muted_track_heard_again_after_rollback() {
    run("pc_5_3_muted_track_heard_again_after_rollback");
}

#[test]
fn pc_5_3_muted_until_media_arrives() {
    run("pc_5_3_muted_until_media_arrives");
}

#[test]
fn pc_5_4_mid_and_directions_through_an_exchange() {
    run("pc_5_4_mid_and_directions_through_an_exchange");
}

#[test]
fn pc_5_4_set_codec_preferences_needs_a_codec() {
    run("pc_5_4_set_codec_preferences_needs_a_codec");
}

#[test]
fn pc_5_4_set_codec_preferences_of_the_answerer() {
    run("pc_5_4_set_codec_preferences_of_the_answerer");
}

#[test]
fn pc_5_4_set_codec_preferences_order() {
    run("pc_5_4_set_codec_preferences_order");
}

#[test]
fn pc_5_4_set_codec_preferences_refusals() {
    run("pc_5_4_set_codec_preferences_refusals");
}

#[test]
fn pc_5_4_set_direction_refusals() {
    run("pc_5_4_set_direction_refusals");
}

#[test]
fn pc_5_4_stop() {
    run("pc_5_4_stop");
}

#[test]
fn pc_5_4_stop_before_any_exchange() {
    run("pc_5_4_stop_before_any_exchange");
}

#[test]
fn pc_5_4_stop_by_the_answerer() {
    run("pc_5_4_stop_by_the_answerer");
}

#[test]
fn pc_5_4_stop_while_an_offer_is_open() {
    run("pc_5_4_stop_while_an_offer_is_open");
}
