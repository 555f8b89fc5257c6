//! Data channels with Chromium and Firefox: every kind, opened by either side, both directions, every size, ten thousand
//! messages, close and bufferedAmount.

mod lab;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use lab::serve;
use peerless::{Configuration, DataChannel, DataChannelInit, Event, Events, Message, PeerConnection};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::{PATIENCE, in_time};
use peerless_signal::{Role, exchange};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Sizes of messages: empty, around the limits of packets, and the largest that is taken.
const SIZES: [usize; 9] = [0, 1, 2, 1_171, 1_172, 1_200, 16_384, 65_536, 262_144];

/// How many messages a long run has.
const MANY: u32 = 10_000;

/// The page with its tab, and our connection to it.
struct Lab {
    browser: Browser,
    tab: Tab,
    connection: PeerConnection,
    events: Events,
}

impl Lab {
    /// A page in `kind`, and our end, to which `prepare` adds what is to be there from the start. The role is ours.
    async fn open(kind: Kind, role: Role, prepare: impl FnOnce(&PeerConnection)) -> Self {
        let (sockets, mut arrived) = mpsc::unbounded_channel();
        let url = serve(include_str!("../pages/channels.html"), sockets).await;
        let mut browser = Browser::start(kind).await.unwrap();
        let query = if role == Role::Answer { "?role=offer" } else { "" };
        let tab = browser.open(&format!("{url}/{query}")).await.unwrap();
        let socket = in_time("the page's socket", arrived.recv()).await.unwrap();
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let events = connection.events();
        prepare(&connection);
        tokio::spawn(exchange::run(socket, connection.clone(), role));
        Self { browser, tab, connection, events }
    }

    async fn run(&mut self, script: &str) -> Value {
        self.browser.run(&self.tab, script).await.unwrap()
    }

    async fn until(&mut self, what: &str, script: &str) -> Value {
        match self.browser.until(&self.tab, what, script).await {
            Ok(value) => value,
            Err(error) => {
                let page = self.browser.run(&self.tab, CHANNELS).await;
                panic!("{error}: {script}\nthe page has {page:?}");
            }
        }
    }

    /// The next channel that the page opens.
    async fn opened_by_page(&mut self) -> DataChannel {
        let coming = async {
            loop {
                match self.events.next().await {
                    Some(Event::DataChannel(channel)) => return channel,
                    Some(_) => {}
                    None => panic!("the connection closed"),
                }
            }
        };
        in_time("a channel from the page", coming).await
    }
}

fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// What the page has, to explain a failure.
const CHANNELS: &str = "return [lab.pc.connectionState, lab.pc.sctp?.state, [...lab.channels].map(([label, one]) => \
                        [label, one.channel.readyState, one.channel.id, one.got, one.mode, one.early, one.errors])];";

/// A kind of channel: its label, what we call it, and what the page calls it.
struct Sort {
    label: &'static str,
    ours: DataChannelInit,
    theirs: Value,
    /// Whether a message always arrives, so that large ones may be sent.
    reliable: bool,
}

fn sorts() -> Vec<Sort> {
    let init = |change: fn(&mut DataChannelInit)| {
        let mut init = DataChannelInit::default();
        change(&mut init);
        init
    };
    vec![
        Sort { label: "ordered", ours: init(|_| {}), theirs: json!({}), reliable: true },
        Sort {
            label: "unordered",
            ours: init(|init| init.ordered = false),
            theirs: json!({ "ordered": false }),
            reliable: true,
        },
        Sort {
            label: "retransmits",
            ours: init(|init| init.max_retransmits = Some(3)),
            theirs: json!({ "maxRetransmits": 3 }),
            reliable: false,
        },
        Sort {
            label: "lifetime",
            ours: init(|init| {
                init.ordered = false;
                init.max_packet_life_time = Some(Duration::from_millis(2_000));
            }),
            theirs: json!({ "ordered": false, "maxPacketLifeTime": 2_000 }),
            reliable: false,
        },
        Sort {
            label: "protocol: ünïcode",
            ours: init(|init| init.protocol = "chät".to_owned()),
            theirs: json!({ "protocol": "chät" }),
            reliable: true,
        },
        Sort {
            label: "negotiated",
            ours: init(|init| {
                init.negotiated = true;
                init.id = Some(100);
            }),
            theirs: json!({ "negotiated": true, "id": 100 }),
            reliable: true,
        },
    ]
}

/// The channel is of its sort on our side.
fn check_sort(channel: &DataChannel, sort: &Sort) {
    assert_eq!(channel.label(), sort.label);
    assert_eq!(channel.ordered(), sort.ours.ordered, "{}", sort.label);
    assert_eq!(channel.max_retransmits(), sort.ours.max_retransmits, "{}", sort.label);
    assert_eq!(channel.max_packet_life_time(), sort.ours.max_packet_life_time, "{}", sort.label);
    assert_eq!(channel.protocol(), sort.ours.protocol, "{}", sort.label);
    assert_eq!(channel.negotiated(), sort.ours.negotiated, "{}", sort.label);
    if sort.ours.negotiated {
        assert_eq!(channel.id(), sort.ours.id);
    }
}

/// And on the page's side.
async fn check_sort_in_page(lab: &mut Lab, sort: &Sort) {
    let label = json!(sort.label);
    let open =
        format!("const one = lab.channels.get({label}); return one?.channel.readyState === 'open' && true;");
    lab.until("the channel open in the page", &open).await;
    let look = format!(
        "const {{ channel }} = lab.channels.get({label}); const {{ ordered, maxRetransmits, maxPacketLifeTime, protocol, \
         negotiated, id }} = channel; return {{ ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id }};"
    );
    let seen = lab.run(&look).await;
    let theirs = &sort.theirs;
    let or = |name: &str, default: Value| theirs.get(name).cloned().unwrap_or(default);
    assert_eq!(seen["ordered"], or("ordered", true.into()), "{seen}");
    assert_eq!(seen["maxRetransmits"], or("maxRetransmits", Value::Null), "{seen}");
    assert_eq!(seen["maxPacketLifeTime"], or("maxPacketLifeTime", Value::Null), "{seen}");
    assert_eq!(seen["protocol"], or("protocol", "".into()), "{seen}");
    assert_eq!(seen["negotiated"], or("negotiated", false.into()), "{seen}");
    if let Some(id) = theirs.get("id") {
        assert_eq!(&seen["id"], id, "{seen}");
    }
}

/// Messages of every size and both kinds go to the page and come back as they were.
async fn exchange_sizes(lab: &mut Lab, channel: &DataChannel, reliable: bool) {
    let limit = if reliable { usize::MAX } else { 1_200 };
    for size in SIZES.into_iter().filter(|&size| size <= limit) {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + size) as u8).collect();
        let text: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        for message in [Message::Binary(bytes.clone().into()), Message::Text(text)] {
            in_time("a message taken", channel.send(message.clone())).await.unwrap();
            let back = tokio::time::timeout(PATIENCE, channel.recv()).await;
            let Ok(Some(back)) = back else {
                let page = lab.browser.run(&lab.tab, CHANNELS).await;
                panic!(
                    "{size} bytes of {} do not come back: {back:?}; {:?} {:?}; the page has {page:?}",
                    channel.label(),
                    channel.id(),
                    channel.ready_state()
                );
            };
            assert!(back == message, "{size} bytes came back changed on {}", channel.label());
        }
    }
}

/// Ten thousand messages each way, in order.
async fn exchange_many(lab: &mut Lab, channel: &DataChannel) {
    let label = json!(channel.label());
    lab.run(&format!("Object.assign(lab.channels.get({label}), {{ mode: 'count', got: 0, bytes: 0 }});"))
        .await;
    let mut sum = 0;
    for number in 0..MANY {
        let mut bytes = vec![number as u8; 4 + number as usize % 1_500];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        sum += bytes.len();
        in_time("room to send", channel.send(Message::Binary(bytes.into()))).await.unwrap();
    }
    let all = format!(
        "const one = lab.channels.get({label}); return one.got >= {MANY} && [one.got, one.wrong, one.bytes];"
    );
    assert_eq!(lab.until("ten thousand messages in the page", &all).await, json!([MANY, 0, sum]));
    assert_eq!(channel.buffered_amount(), 0);
    let send = format!(
        "const {{ channel }} = lab.channels.get({label}); for (let n = 0; n < {MANY}; n++) {{ \
         const bytes = new DataView(new ArrayBuffer(4 + n % 1500)); bytes.setUint32(0, n); channel.send(bytes.buffer); }} \
         return channel.bufferedAmount;"
    );
    let sending = lab.run(&send);
    let receiving = async {
        for number in 0..MANY {
            let Some(Message::Binary(bytes)) = in_time("a message", channel.recv()).await else {
                panic!("a binary message, number {number}");
            };
            assert_eq!(bytes.get(..4), Some(&number.to_be_bytes()[..]));
            assert_eq!(bytes.len(), 4 + number as usize % 1_500);
        }
    };
    tokio::join!(sending, receiving);
    let drained = format!("return lab.channels.get({label}).channel.bufferedAmount === 0;");
    lab.until("the page's bufferedAmount back at zero", &drained).await;
    lab.run(&format!("lab.channels.get({label}).mode = 'echo';")).await;
}

/// bufferedAmount counts what is not yet on its way, and tells when it has become little.
async fn exchange_buffered(lab: &mut Lab, channel: &DataChannel) {
    let label = json!(channel.label());
    lab.run(&format!("Object.assign(lab.channels.get({label}), {{ mode: 'swallow', got: 0, bytes: 0 }});"))
        .await;
    channel.set_buffered_amount_low_threshold(100_000);
    let message = Message::Binary(Bytes::from(vec![7; 65_536]));
    let total = 64 * 65_536;
    for _ in 0..64 {
        channel.try_send(message.clone()).unwrap();
    }
    let buffered = channel.buffered_amount();
    assert!(buffered > 100_000 && buffered <= total, "{buffered} of {total}");
    in_time("little in the buffer", channel.buffered_amount_low()).await;
    assert!(channel.buffered_amount() <= 100_000, "{}", channel.buffered_amount());
    let all = format!("return lab.channels.get({label}).bytes === {total};");
    lab.until("all of it in the page", &all).await;
    assert_eq!(channel.buffered_amount(), 0);
    lab.run(&format!("lab.channels.get({label}).mode = 'echo';")).await;
}

/// Either side closes, and the other sees it soon.
async fn close_both_ways(lab: &mut Lab, channels: Vec<DataChannel>) {
    for (number, channel) in channels.into_iter().enumerate() {
        let label = json!(channel.label());
        let seen = format!("return lab.channels.get({label}).closed;");
        let took = if number % 2 == 0 {
            let asked = milliseconds();
            channel.close();
            let closed = lab.until("the close in the page", &seen).await;
            in_time("our own close", channel.closed()).await;
            closed.as_u64().unwrap().saturating_sub(asked)
        } else {
            let close = format!("lab.channels.get({label}).channel.close(); return Date.now();");
            let asked = lab.run(&close).await.as_u64().unwrap();
            assert!(in_time("the end of messages", channel.recv()).await.is_none());
            in_time("the close here", channel.closed()).await;
            let took = milliseconds().saturating_sub(asked);
            lab.until("the page's own close", &seen).await;
            took
        };
        println!("{label} closed within {took} ms");
        assert!(took < 1_000, "{label}: the close was seen after {took} ms");
    }
}

/// All checks on channels that we open, in a connection that we offer.
async fn we_open(kind: Kind) {
    let mut opened = Vec::new();
    let mut lab = Lab::open(kind, Role::Offer, |connection| {
        for sort in sorts() {
            opened.push(connection.create_data_channel(sort.label, sort.ours).unwrap());
        }
    })
    .await;
    lab.until("the page", "return window.lab?.ready ?? false;").await;
    lab.run("lab.create('negotiated', { negotiated: true, id: 100 });").await;
    for (channel, sort) in opened.iter().zip(sorts()) {
        assert!(in_time("the channel open", channel.opened()).await, "{}", sort.label);
        check_sort(channel, &sort);
        check_sort_in_page(&mut lab, &sort).await;
        exchange_sizes(&mut lab, channel, sort.reliable).await;
    }
    exchange_many(&mut lab, &opened[0]).await;
    exchange_buffered(&mut lab, &opened[0]).await;
    close_both_ways(&mut lab, opened).await;
    lab.connection.close();
}

/// All checks on channels that the page opens, in a connection that it offers.
async fn page_opens(kind: Kind) {
    let mut lab = Lab::open(kind, Role::Answer, |_| {}).await;
    lab.until("the page", "return window.lab?.ready ?? false;").await;
    let mut opened = Vec::new();
    for (number, sort) in sorts().into_iter().enumerate() {
        lab.run(&format!("lab.create({}, {});", json!(sort.label), sort.theirs)).await;
        if number == 0 {
            lab.run("lab.offer();").await;
        }
        let channel = if sort.ours.negotiated {
            lab.connection.create_data_channel(sort.label, sort.ours.clone()).unwrap()
        } else {
            lab.opened_by_page().await
        };
        assert!(in_time("the channel open", channel.opened()).await, "{}", sort.label);
        check_sort(&channel, &sort);
        check_sort_in_page(&mut lab, &sort).await;
        exchange_sizes(&mut lab, &channel, sort.reliable).await;
        opened.push(channel);
    }
    exchange_many(&mut lab, &opened[0]).await;
    close_both_ways(&mut lab, opened).await;
    // Ids come back into use.
    for number in 0..5 {
        lab.run(&format!("lab.create('again {number}', {{}});")).await;
        let channel = lab.opened_by_page().await;
        exchange_sizes(&mut lab, &channel, false).await;
        channel.close();
        let seen = format!("return lab.channels.get('again {number}').closed;");
        lab.until("the close in the page", &seen).await;
    }
    lab.connection.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_every_kind_opened_by_us_work_in_chromium() {
    we_open(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_every_kind_opened_by_chromium_work() {
    page_opens(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_every_kind_opened_by_us_work_in_firefox() {
    we_open(Kind::Firefox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_every_kind_opened_by_firefox_work() {
    page_opens(Kind::Firefox).await;
}
