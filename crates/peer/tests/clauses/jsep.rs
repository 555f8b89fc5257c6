//! Offers and answers, written and applied (RFC 9429).

use crate::script::run;

#[test]
fn jsep_4_1_10_2_rollback_in_a_call_keeps_media_flowing() {
    run("jsep_4_1_10_2_rollback_in_a_call_keeps_media_flowing");
}

#[test]
fn jsep_5_10_no_section_for_a_track_nobody_wants() {
    run("jsep_5_10_no_section_for_a_track_nobody_wants");
}

#[test]
fn jsep_5_10_no_section_for_add_transceiver() {
    run("jsep_5_10_no_section_for_add_transceiver");
}

#[test]
fn jsep_5_10_sections_without_names() {
    run("jsep_5_10_sections_without_names");
}

#[test]
fn jsep_5_10_tracks_are_given_sections_in_order() {
    run("jsep_5_10_tracks_are_given_sections_in_order");
}

#[test]
fn jsep_5_11_a_remote_answer_without_sending() {
    run("jsep_5_11_a_remote_answer_without_sending");
}

#[test]
fn jsep_5_11_a_section_that_the_answer_rejects() {
    run("jsep_5_11_a_section_that_the_answer_rejects");
}

#[test]
fn jsep_5_11_answers_that_do_not_fit() {
    run("jsep_5_11_answers_that_do_not_fit");
}

#[test]
fn jsep_5_11_data_that_the_answer_rejects() {
    run("jsep_5_11_data_that_the_answer_rejects");
}

#[test]
fn jsep_5_2_1_directions() {
    run("jsep_5_2_1_directions");
}

#[test]
fn jsep_5_2_1_initial_offer() {
    run("jsep_5_2_1_initial_offer");
}

#[test]
fn jsep_5_2_1_versions_go_up() {
    run("jsep_5_2_1_versions_go_up");
}

#[test]
fn jsep_5_2_2_a_rejected_place_is_used_again() {
    run("jsep_5_2_2_a_rejected_place_is_used_again");
}

#[test]
fn jsep_5_2_2_a_rejected_place_is_used_by_the_remote() {
    run("jsep_5_2_2_a_rejected_place_is_used_by_the_remote");
}

#[test]
fn jsep_5_2_2_a_rejected_place_of_media_is_left_to_media() {
    run("jsep_5_2_2_a_rejected_place_of_media_is_left_to_media");
}

#[test]
fn jsep_5_2_2_an_offer_renewed_after_its_group_was_stopped() {
    run("jsep_5_2_2_an_offer_renewed_after_its_group_was_stopped");
}

#[test]
fn jsep_5_2_2_a_stopped_section_has_port_zero() {
    run("jsep_5_2_2_a_stopped_section_has_port_zero");
}

#[test]
fn jsep_5_2_2_an_open_offer_is_extended() {
    run("jsep_5_2_2_an_open_offer_is_extended");
}

#[test]
fn jsep_5_2_2_sections_keep_their_places() {
    run("jsep_5_2_2_sections_keep_their_places");
}

#[test]
fn jsep_5_2_2_sections_of_a_rolled_back_offer_are_named_again() {
    run("jsep_5_2_2_sections_of_a_rolled_back_offer_are_named_again");
}

#[test]
fn jsep_5_3_1_answers_mirror_the_offer() {
    run("jsep_5_3_1_answers_mirror_the_offer");
}

#[test]
fn jsep_5_3_1_directions_of_answers() {
    run("jsep_5_3_1_directions_of_answers");
}

#[test]
fn jsep_5_3_1_fewer_codecs() {
    run("jsep_5_3_1_fewer_codecs");
}

#[test]
fn jsep_5_3_1_no_codec_in_common() {
    run("jsep_5_3_1_no_codec_in_common");
}

#[test]
fn jsep_5_3_1_what_cannot_be_taken_is_rejected() {
    run("jsep_5_3_1_what_cannot_be_taken_is_rejected");
}

#[test]
fn jsep_5_3_2_subsequent_answers() {
    run("jsep_5_3_2_subsequent_answers");
}

#[test]
fn jsep_5_4_only_rollback_has_no_text() {
    run("jsep_5_4_only_rollback_has_no_text");
}

#[test]
fn jsep_5_8_1_lines_that_do_not_parse() {
    run("jsep_5_8_1_lines_that_do_not_parse");
}

#[test]
fn jsep_5_8_3_offers_that_make_no_sense() {
    run("jsep_5_8_3_offers_that_make_no_sense");
}
