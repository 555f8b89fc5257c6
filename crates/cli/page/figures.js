// What getStats says, in the few figures that a person asks for. Rates are taken between two readings.

export class Figures {
  constructor(pc) {
    this.pc = pc;
    this.before = null;
    this.rates = { video: null, audio: null, total: null, fps: null };
  }

  /** Reads getStats; `measure` also renews the rates (one caller does, at even times). */
  async read(measure = false) {
    const report = await this.pc.getStats();
    const all = [...report.values()];
    const stream = (kind) => all.find((one) => one.type === "inbound-rtp" && (one.kind ?? one.mediaType) === kind);
    const video = stream("video");
    const audio = stream("audio");
    if (measure) this.measure(video, audio);
    return {
      video: video && videoFigures(video, report, this.rates),
      audio: audio && audioFigures(audio, report, this.rates),
      bitrate: this.rates.total,
      pair: pairFigures(all, report),
      transport: transportFigures(all),
      connectionState: this.pc.connectionState,
    };
  }

  measure(video, audio) {
    const now = {
      at: performance.now(),
      video: video?.bytesReceived ?? null,
      audio: audio?.bytesReceived ?? null,
      frames: video?.framesDecoded ?? null,
    };
    const { before } = this;
    this.before = now;
    if (!before) return;
    const seconds = (now.at - before.at) / 1000;
    if (seconds < 0.05) return;
    const rate = (name, factor) =>
      now[name] === null || before[name] === null ? null : Math.max(0, ((now[name] - before[name]) * factor) / seconds);
    this.rates = { video: rate("video", 8), audio: rate("audio", 8), fps: rate("frames", 1) };
    this.rates.total = (this.rates.video ?? 0) + (this.rates.audio ?? 0);
  }
}

function streamFigures(one, report) {
  const codec = report.get(one.codecId);
  const received = one.packetsReceived ?? 0;
  const lost = Math.max(0, one.packetsLost ?? 0);
  return {
    codec: codec?.mimeType?.split("/")[1] ?? null,
    clockRate: codec?.clockRate ?? null,
    channels: codec?.channels ?? null,
    payloadType: codec?.payloadType ?? null,
    bytesReceived: one.bytesReceived ?? 0,
    packetsReceived: received,
    packetsLost: lost,
    lossRatio: received + lost > 0 ? lost / (received + lost) : 0,
    jitter: one.jitter ?? null,
    nackCount: one.nackCount ?? 0,
  };
}

function videoFigures(one, report, rates) {
  return {
    ...streamFigures(one, report),
    width: one.frameWidth ?? null,
    height: one.frameHeight ?? null,
    fps: one.framesPerSecond ?? rates.fps,
    bitrate: rates.video,
    framesReceived: one.framesReceived ?? null,
    framesDecoded: one.framesDecoded ?? 0,
    framesDropped: one.framesDropped ?? null,
    keyFramesDecoded: one.keyFramesDecoded ?? null,
    freezeCount: one.freezeCount ?? null,
    pliCount: one.pliCount ?? 0,
    firCount: one.firCount ?? 0,
  };
}

function audioFigures(one, report, rates) {
  return {
    ...streamFigures(one, report),
    bitrate: rates.audio,
    level: one.audioLevel ?? null,
    totalAudioEnergy: one.totalAudioEnergy ?? null,
    totalSamplesReceived: one.totalSamplesReceived ?? null,
    concealedSamples: one.concealedSamples ?? null,
  };
}

function pairFigures(all, report) {
  const transport = all.find((one) => one.type === "transport" && one.selectedCandidatePairId);
  const pairs = all.filter((one) => one.type === "candidate-pair");
  const pair = (transport && report.get(transport.selectedCandidatePairId))
    ?? pairs.find((one) => one.selected) ?? pairs.find((one) => one.nominated && one.state === "succeeded");
  if (!pair) return null;
  return {
    local: candidateFigures(report.get(pair.localCandidateId)),
    remote: candidateFigures(report.get(pair.remoteCandidateId)),
    rtt: pair.currentRoundTripTime ?? null,
  };
}

function candidateFigures(one) {
  if (!one) return null;
  return {
    kind: one.candidateType ?? null,
    protocol: one.protocol ?? null,
    address: one.address || one.ip || null,
    port: one.port ?? null,
  };
}

function transportFigures(all) {
  const one = all.find((one) => one.type === "transport");
  if (!one) return null;
  return {
    dtlsState: one.dtlsState ?? null,
    dtlsRole: one.dtlsRole ?? null,
    dtlsVersion: { FEFF: "DTLS 1.0", FEFD: "DTLS 1.2", FEFC: "DTLS 1.3" }[one.tlsVersion?.toUpperCase()] ?? null,
    dtlsCipher: one.dtlsCipher ?? null,
    srtpCipher: one.srtpCipher ?? null,
  };
}
