//! Setting, taking back and replacing descriptions (webrtc-pc §4.4).

use crate::script::run;

#[test]
fn pc_4_4_1_5_a_provisional_answer_of_ours_that_rejects_may_become_another() {
    run("pc_4_4_1_5_a_provisional_answer_of_ours_that_rejects_may_become_another");
}

#[test]
fn pc_4_4_1_5_a_provisional_answer_of_ours_without_a_codec() {
    run("pc_4_4_1_5_a_provisional_answer_of_ours_without_a_codec");
}

#[test]
fn pc_4_4_1_5_a_provisional_answer_of_the_remote_that_rejects_stops() {
    run("pc_4_4_1_5_a_provisional_answer_of_the_remote_that_rejects_stops");
}

#[test]
fn pc_4_4_1_5_a_provisional_answer_takes_effect() {
    run("pc_4_4_1_5_a_provisional_answer_takes_effect");
}

#[test]
fn pc_4_4_1_5_a_stopped_transceiver_whose_place_was_used_anew() {
    run("pc_4_4_1_5_a_stopped_transceiver_whose_place_was_used_anew");
}

#[test]
fn pc_4_4_1_5_an_invalid_offer_that_meets_ours_changes_nothing() {
    run("pc_4_4_1_5_an_invalid_offer_that_meets_ours_changes_nothing");
}

#[test]
fn pc_4_4_1_5_answers_without_mux_are_refused() {
    run("pc_4_4_1_5_answers_without_mux_are_refused");
}

#[test]
fn pc_4_4_1_5_back_to_back_offers_build_on_each_other() {
    run("pc_4_4_1_5_back_to_back_offers_build_on_each_other");
}

#[test]
fn pc_4_4_1_5_current_descriptions_stand_while_others_are_pending() {
    run("pc_4_4_1_5_current_descriptions_stand_while_others_are_pending");
}

#[test]
fn pc_4_4_1_5_descriptions_are_pending_then_current() {
    run("pc_4_4_1_5_descriptions_are_pending_then_current");
}

#[test]
fn pc_4_4_1_5_either_side_takes_turns() {
    run("pc_4_4_1_5_either_side_takes_turns");
}

#[test]
fn pc_4_4_1_5_glare_keeps_what_was_stopped_and_preferred() {
    run("pc_4_4_1_5_glare_keeps_what_was_stopped_and_preferred");
}

#[test]
fn pc_4_4_1_5_invalid_content() {
    run("pc_4_4_1_5_invalid_content");
}

#[test]
fn pc_4_4_1_5_offers_that_meet() {
    run("pc_4_4_1_5_offers_that_meet");
}

#[test]
fn pc_4_4_1_5_offers_that_meet_in_a_call() {
    run("pc_4_4_1_5_offers_that_meet_in_a_call");
}

#[test]
fn pc_4_4_1_5_offers_that_meet_with_other_sections() {
    run("pc_4_4_1_5_offers_that_meet_with_other_sections");
}

#[test]
fn pc_4_4_1_5_order_of_events() {
    run("pc_4_4_1_5_order_of_events");
}

#[test]
fn pc_4_4_1_5_rollback_brings_a_muted_track_back() {
    run("pc_4_4_1_5_rollback_brings_a_muted_track_back");
}

#[test]
fn pc_4_4_1_5_rollback_brings_streams_back() {
    run("pc_4_4_1_5_rollback_brings_streams_back");
}

#[test]
fn pc_4_4_1_5_rollback_by_either_setter() {
    run("pc_4_4_1_5_rollback_by_either_setter");
}

#[test]
fn pc_4_4_1_5_rollback_does_not_unstop() {
    run("pc_4_4_1_5_rollback_does_not_unstop");
}

#[test]
fn pc_4_4_1_5_rollback_frees_an_adopted_transceiver() {
    run("pc_4_4_1_5_rollback_frees_an_adopted_transceiver");
}

#[test]
fn pc_4_4_1_5_rollback_keeps_a_transceiver_that_add_track_took() {
    run("pc_4_4_1_5_rollback_keeps_a_transceiver_that_add_track_took");
}

#[test]
fn pc_4_4_1_5_rollback_keeps_nothing_for_replace_track() {
    run("pc_4_4_1_5_rollback_keeps_nothing_for_replace_track");
}

#[test]
fn pc_4_4_1_5_rollback_leaves_what_was_negotiated() {
    run("pc_4_4_1_5_rollback_leaves_what_was_negotiated");
}

#[test]
fn pc_4_4_1_5_rollback_of_a_data_channel_section() {
    run("pc_4_4_1_5_rollback_of_a_data_channel_section");
}

#[test]
fn pc_4_4_1_5_rollback_of_a_remote_offer_unmakes_its_transceivers() {
    run("pc_4_4_1_5_rollback_of_a_remote_offer_unmakes_its_transceivers");
}

#[test]
fn pc_4_4_1_5_rollback_of_a_section_named_like_a_rejected_one() {
    run("pc_4_4_1_5_rollback_of_a_section_named_like_a_rejected_one");
}

#[test]
fn pc_4_4_1_5_rollback_of_our_offer() {
    run("pc_4_4_1_5_rollback_of_our_offer");
}

#[test]
fn pc_4_4_1_5_syntax_errors() {
    run("pc_4_4_1_5_syntax_errors");
}

#[test]
fn pc_4_4_1_5_what_have_local_offer_takes() {
    run("pc_4_4_1_5_what_have_local_offer_takes");
}

#[test]
fn pc_4_4_1_5_what_have_local_pranswer_takes() {
    run("pc_4_4_1_5_what_have_local_pranswer_takes");
}

#[test]
fn pc_4_4_1_5_what_have_remote_offer_takes() {
    run("pc_4_4_1_5_what_have_remote_offer_takes");
}

#[test]
fn pc_4_4_1_5_what_have_remote_pranswer_takes() {
    run("pc_4_4_1_5_what_have_remote_pranswer_takes");
}

#[test]
fn pc_4_4_1_5_what_stable_refuses() {
    run("pc_4_4_1_5_what_stable_refuses");
}

#[test]
fn pc_4_4_1_5_what_was_created_goes_with_a_finished_exchange() {
    run("pc_4_4_1_5_what_was_created_goes_with_a_finished_exchange");
}

#[test]
fn pc_4_4_1_5_what_was_created_outlives_a_rollback() {
    run("pc_4_4_1_5_what_was_created_outlives_a_rollback");
}

#[test]
fn pc_4_4_2_a_stale_offer_may_be_set_as_it_was_created() {
    run("pc_4_4_2_a_stale_offer_may_be_set_as_it_was_created");
}

#[test]
fn pc_4_4_2_add_ice_candidate_end() {
    run("pc_4_4_2_add_ice_candidate_end");
}

#[test]
fn pc_4_4_2_add_ice_candidate_mid_counts_before_index() {
    run("pc_4_4_2_add_ice_candidate_mid_counts_before_index");
}

#[test]
fn pc_4_4_2_add_ice_candidate_of_a_stopped_transceiver() {
    run("pc_4_4_2_add_ice_candidate_of_a_stopped_transceiver");
}

#[test]
fn pc_4_4_2_add_ice_candidate_refusals() {
    run("pc_4_4_2_add_ice_candidate_refusals");
}

#[test]
fn pc_4_4_2_an_answer_that_was_edited_is_refused() {
    run("pc_4_4_2_an_answer_that_was_edited_is_refused");
}

#[test]
fn pc_4_4_2_an_offer_is_no_answer() {
    run("pc_4_4_2_an_offer_is_no_answer");
}

#[test]
fn pc_4_4_2_an_offer_that_was_edited_is_refused() {
    run("pc_4_4_2_an_offer_that_was_edited_is_refused");
}

#[test]
fn pc_4_4_2_can_trickle_ice_candidates() {
    run("pc_4_4_2_can_trickle_ice_candidates");
}

#[test]
fn pc_4_4_2_closed() {
    run("pc_4_4_2_closed");
}

#[test]
fn pc_4_4_2_closed_stops_transceivers() {
    run("pc_4_4_2_closed_stops_transceivers");
}

#[test]
fn pc_4_4_2_create_offer_without_anything() {
    run("pc_4_4_2_create_offer_without_anything");
}

#[test]
fn pc_4_4_2_implicit_answer_is_the_last_created_one() {
    run("pc_4_4_2_implicit_answer_is_the_last_created_one");
}

#[test]
fn pc_4_4_2_implicit_offer_is_made_anew_when_stale() {
    run("pc_4_4_2_implicit_offer_is_made_anew_when_stale");
}

#[test]
fn pc_4_4_2_implicit_offer_is_the_last_created_one() {
    run("pc_4_4_2_implicit_offer_is_the_last_created_one");
}

#[test]
fn pc_4_4_2_only_the_last_created_offer_is_taken() {
    run("pc_4_4_2_only_the_last_created_offer_is_taken");
}

#[test]
fn pc_4_4_2_restart_ice() {
    run("pc_4_4_2_restart_ice");
}

#[test]
fn pc_4_4_2_restart_ice_outlives_offers_that_meet() {
    run("pc_4_4_2_restart_ice_outlives_offers_that_meet");
}

#[test]
fn pc_4_4_2_set_local_description_by_type_alone() {
    run("pc_4_4_2_set_local_description_by_type_alone");
}

#[test]
fn pc_4_4_2_set_local_description_without_argument() {
    run("pc_4_4_2_set_local_description_without_argument");
}
