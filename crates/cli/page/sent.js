// What getStats says of what we send. Rates are taken between two readings.

export class SentFigures {
  constructor(pc) {
    this.pc = pc;
    this.before = null;
    this.rates = { video: null, audio: null, total: null };
  }

  /** Reads getStats; `measure` also renews the rates (one caller does, at even times). */
  async read(measure = false) {
    const report = await this.pc.getStats();
    const all = [...report.values()];
    const stream = (kind) => all.find((one) => one.type === "outbound-rtp" && (one.kind ?? one.mediaType) === kind);
    const video = stream("video");
    const audio = stream("audio");
    if (measure) this.measure(video, audio);
    return {
      video: video && {
        ...streamFigures(video, report, all),
        bitrate: this.rates.video,
        width: video.frameWidth ?? null,
        height: video.frameHeight ?? null,
        fps: video.framesPerSecond ?? null,
        framesEncoded: video.framesEncoded ?? 0,
        keyFramesEncoded: video.keyFramesEncoded ?? null,
        limitedBy: video.qualityLimitationReason ?? null,
        pliCount: video.pliCount ?? 0,
      },
      audio: audio && { ...streamFigures(audio, report, all), bitrate: this.rates.audio, level: levelOf(audio, report, all) },
      bitrate: this.rates.total,
    };
  }

  measure(video, audio) {
    const now = { at: performance.now(), video: video?.bytesSent ?? null, audio: audio?.bytesSent ?? null };
    const { before } = this;
    this.before = now;
    if (!before) return;
    const seconds = (now.at - before.at) / 1000;
    if (seconds < 0.05) return;
    const rate = (name) =>
      now[name] === null || before[name] === null ? null : Math.max(0, ((now[name] - before[name]) * 8) / seconds);
    this.rates = { video: rate("video"), audio: rate("audio") };
    this.rates.total = (this.rates.video ?? 0) + (this.rates.audio ?? 0);
  }
}

function streamFigures(one, report, all) {
  const codec = report.get(one.codecId);
  const remote = report.get(one.remoteId) ?? all.find((other) => other.type === "remote-inbound-rtp" && other.ssrc === one.ssrc);
  const sent = one.packetsSent ?? 0;
  const lost = Math.max(0, remote?.packetsLost ?? 0);
  return {
    codec: codec?.mimeType?.split("/")[1] ?? null,
    bytesSent: one.bytesSent ?? 0,
    packetsSent: sent,
    packetsLost: lost,
    lossRatio: sent > 0 ? Math.min(1, lost / sent) : 0,
    rtt: remote?.roundTripTime ?? null,
    jitter: remote?.jitter ?? null,
    nackCount: one.nackCount ?? 0,
    retransmitted: one.retransmittedPacketsSent ?? 0,
  };
}

function levelOf(one, report, all) {
  const source = report.get(one.mediaSourceId) ?? all.find((other) => other.type === "media-source" && other.kind === "audio");
  return source?.audioLevel ?? null;
}
