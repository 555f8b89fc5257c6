//! Requests, answers, and what comes twice or too early.

use peerless_wire::sctp::{AddStreams, IncomingReset};

use super::*;

const OURS: Tsn = Tsn(u32::MAX);
const THEIRS: Tsn = Tsn(100);

fn reset() -> Reset {
    Reset::new(OURS, THEIRS, 50)
}

fn streams(ids: &[u16]) -> Vec<StreamId> {
    ids.iter().copied().map(StreamId).collect()
}

fn outgoing(number: u32, last_tsn: u32, ids: &[u16]) -> Reconfig {
    let (request, response) = (RequestNumber(number), RequestNumber(0));
    let reset = OutgoingReset { request, response, last_tsn: Tsn(last_tsn), streams: streams(ids) };
    Reconfig { parameters: vec![ReconfigParameter::OutgoingReset(reset)] }
}

fn answer(number: u32, result: ResetResult) -> Reconfig {
    Reconfig { parameters: vec![response(RequestNumber(number), result)] }
}

#[test]
fn one_request_at_a_time_is_sent_again_until_it_is_answered() {
    let mut reset = reset();
    reset.want(StreamId(3));
    reset.want(StreamId(1));
    let request = reset.poll_request(Tsn(7)).expect("a request");
    let ReconfigParameter::OutgoingReset(sent) = &request.parameters[0] else { panic!("an outgoing reset") };
    assert_eq!(
        (sent.request, sent.last_tsn, &sent.streams),
        (RequestNumber(u32::MAX), Tsn(7), &streams(&[1, 3]))
    );
    assert_eq!(sent.response, RequestNumber(99), "the last request of the peer");
    reset.want(StreamId(5));
    assert_eq!(reset.poll_request(Tsn(9)), None);
    assert_eq!(reset.request().as_ref(), Some(&request));
    let actions = reset.handle(&answer(u32::MAX, ResetResult::Performed), THEIRS);
    assert_eq!(actions, [Action::Done(streams(&[1, 3]))]);
    assert_eq!(reset.request(), None);
    let next = reset.poll_request(Tsn(9)).expect("the next request");
    let ReconfigParameter::OutgoingReset(sent) = &next.parameters[0] else { panic!("an outgoing reset") };
    assert_eq!((sent.request, &sent.streams), (RequestNumber(0), &streams(&[5])));
}

#[test]
fn a_request_that_is_put_off_stays_and_a_refused_one_is_told() {
    let mut reset = reset();
    reset.want(StreamId(1));
    let request = reset.poll_request(Tsn(7));
    assert_eq!(reset.handle(&answer(u32::MAX, ResetResult::InProgress), THEIRS), []);
    assert!(reset.is_put_off());
    assert_eq!(reset.request(), request);
    assert_eq!(reset.handle(&answer(5, ResetResult::Performed), THEIRS), [], "not our number");
    let actions = reset.handle(&answer(u32::MAX, ResetResult::Denied), THEIRS);
    assert_eq!(actions, [Action::Denied(streams(&[1]))]);
    assert!(!reset.is_busy());
}

#[test]
fn many_streams_need_several_requests() {
    let mut reset = reset();
    (0..300).for_each(|id| reset.want(StreamId(id)));
    assert!(reset.poll_request(Tsn(7)).is_some());
    let actions = reset.handle(&answer(u32::MAX, ResetResult::NothingToDo), THEIRS);
    assert!(matches!(&actions[..], [Action::Done(done)] if done.len() == MOST_STREAMS));
    assert!(reset.poll_request(Tsn(7)).is_some());
    let actions = reset.handle(&answer(0, ResetResult::Performed), THEIRS);
    assert!(matches!(&actions[..], [Action::Done(done)] if done.len() == 300 - MOST_STREAMS));
}

#[test]
fn a_reset_whose_data_has_arrived_is_done_and_one_that_comes_again_is_only_answered() {
    let mut reset = reset();
    let request = outgoing(100, 110, &[1]);
    let reply = Action::Reply(answer(100, ResetResult::Performed));
    assert_eq!(reset.handle(&request, Tsn(110)), [Action::Reset(streams(&[1])), reply.clone()]);
    assert_eq!(reset.handle(&request, Tsn(110)), [reply]);
    let bad = Action::Reply(answer(102, ResetResult::BadSequenceNumber));
    assert_eq!(reset.handle(&outgoing(102, 110, &[1]), Tsn(110)), [bad]);
}

#[test]
fn a_reset_before_its_data_waits_for_the_last_number() {
    let mut reset = reset();
    let request = outgoing(100, 110, &[1]);
    let later = Action::Reply(answer(100, ResetResult::InProgress));
    assert_eq!(reset.handle(&request, Tsn(108)), [Action::Defer(Tsn(110), streams(&[1])), later.clone()]);
    assert_eq!(reset.handle(&request, Tsn(109)), [later]);
    assert_eq!(reset.handle_cumulative(Tsn(109)), []);
    let done = Action::Reply(answer(100, ResetResult::Performed));
    assert_eq!(reset.handle_cumulative(Tsn(112)), [Action::Reset(streams(&[1])), done.clone()]);
    assert_eq!(reset.handle(&request, Tsn(112)), [done]);
    assert_eq!(reset.handle_cumulative(Tsn(113)), []);
}

#[test]
fn a_reset_asked_for_again_under_a_new_number_joins_the_one_that_waits() {
    let mut reset = reset();
    reset.handle(&outgoing(100, 110, &[1]), Tsn(108));
    let later = Action::Reply(answer(101, ResetResult::InProgress));
    let actions = reset.handle(&outgoing(101, 112, &[2, 1]), Tsn(108));
    assert_eq!(actions, [Action::Defer(Tsn(112), streams(&[1, 2])), later]);
    let done = Action::Reply(answer(101, ResetResult::Performed));
    assert_eq!(reset.handle_cumulative(Tsn(112)), [Action::Reset(streams(&[1, 2])), done]);
    let both = Action::Reply(answer(100, ResetResult::Performed));
    assert_eq!(reset.handle(&outgoing(100, 110, &[1]), Tsn(112)), [both]);
}

#[test]
fn streams_that_are_not_and_requests_that_are_not_granted_are_refused() {
    let mut reset = reset();
    let wrong = Action::Reply(answer(100, ResetResult::WrongStream));
    assert_eq!(reset.handle(&outgoing(100, 90, &[50]), THEIRS), [wrong]);
    let add = AddStreams { request: RequestNumber(101), count: 9 };
    let add = Reconfig { parameters: vec![ReconfigParameter::AddOutgoing(add)] };
    assert_eq!(reset.handle(&add, THEIRS), [Action::Reply(answer(101, ResetResult::Denied))]);
    assert_eq!(reset.handle(&add, THEIRS), [Action::Reply(answer(101, ResetResult::Denied))]);
}

#[test]
fn the_peer_may_ask_for_a_reset_of_ours() {
    let mut reset = reset();
    let ask = IncomingReset { request: RequestNumber(100), streams: streams(&[4]) };
    let ask = Reconfig { parameters: vec![ReconfigParameter::IncomingReset(ask)] };
    let reply = Action::Reply(answer(100, ResetResult::Performed));
    assert_eq!(reset.handle(&ask, THEIRS), [Action::Asked(streams(&[4])), reply.clone()]);
    assert_eq!(reset.handle(&ask, THEIRS), [reply], "asked once");
}

#[test]
fn no_more_than_two_parameters_of_a_chunk_are_looked_at() {
    let mut reset = reset();
    let parameters = (100..110).map(|number| ReconfigParameter::AssociationReset(RequestNumber(number)));
    let actions = reset.handle(&Reconfig { parameters: parameters.collect() }, THEIRS);
    assert!(matches!(&actions[..], [Action::Reply(reply)] if reply.parameters.len() == 2));
}
