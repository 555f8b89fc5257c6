//! The dictionaries of the connection as a whole and of its data channels (webrtc-stats §8.15, §8.16).

use crate::report::value::dictionary;
use crate::state::DataChannelState;

dictionary! {
    /// RTCPeerConnectionStats (webrtc-stats §8.15).
    PeerConnectionStats {
        /// Data channels that have opened.
        data_channels_opened: Option<u32> = "dataChannelsOpened",
        /// Data channels among them that have left that state.
        data_channels_closed: Option<u32> = "dataChannelsClosed",
    }
}

dictionary! {
    /// RTCDataChannelStats (webrtc-stats §8.16).
    DataChannelStats {
        /// Its name.
        label: Option<String> = "label",
        /// Its subprotocol.
        protocol: Option<String> = "protocol",
        /// Its stream, once it has one.
        data_channel_identifier: Option<u16> = "dataChannelIdentifier",
        /// Where it stands.
        state: DataChannelState = "state",
        /// Messages given to it.
        messages_sent: Option<u32> = "messagesSent",
        /// Their payload, bytes.
        bytes_sent: Option<u64> = "bytesSent",
        /// Messages that arrived.
        messages_received: Option<u32> = "messagesReceived",
        /// Their payload, bytes.
        bytes_received: Option<u64> = "bytesReceived",
    }
}
