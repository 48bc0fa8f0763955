// The page of the tests, which is a device with either version of the official SDK, and the streams that it receives.
import sdk012 from "webrtc-browser-0.12";
import sdk09 from "webrtc-browser-0.9";

const sdks = { "0.12": sdk012, "0.9": sdk09 };
const published = new Map();
window.remoteStreams = new Map();

window.connect = async (version, token, websocketUrl) => {
  window.rtc = new sdks[version]();
  window.rtc.onStreamAvailable((stream) => {
    window.remoteStreams.set(stream.endpointId, stream);
    const video = Object.assign(document.createElement("video"), { srcObject: stream.mediaStream, autoplay: true });
    video.id = stream.endpointId;
    document.getElementById(video.id)?.remove();
    document.body.append(video);
  });
  window.rtc.onStreamUnavailable((id) => {
    window.remoteStreams.delete(id);
    document.getElementById(id)?.remove();
  });
  await window.rtc.connect({ deviceToken: token }, { websocketUrl });
};

/** Publishes under an alias, with the codecs of a MIME type first if one is given. Returns the accepted media types. */
window.publish = async (constraints, alias, mimeType) => {
  const first = (codec) => (codec.mimeType === mimeType ? 0 : 1);
  const codecs = mimeType && { video: RTCRtpSender.getCapabilities("video").codecs.sort((one, other) => first(one) - first(other)) };
  const stream = await window.rtc.publish(constraints, undefined, alias, codecs);
  published.set(alias, stream);
  return stream.mediaTypes;
};

window.unpublish = async (alias) => {
  await window.rtc.unpublish(published.get(alias));
  published.delete(alias);
};

/** The local ports over which the publishing connection sends. */
window.publishingPorts = async () => {
  const peer = window.peers.find((peer) => peer.getSenders().some(({ track }) => track));
  const stats = await peer.getStats();
  const reports = [...stats.values()];
  const selected = reports.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId)?.selectedCandidatePairId;
  return reports
    .filter(({ type, id, selected: isSelected }) => type === "candidate-pair" && (id === selected || isSelected))
    .map(({ localCandidateId }) => stats.get(localCandidateId).port);
};

/** Makes the SDK restart ICE, as it does when its publishing connection has failed, for example after a network change. */
window.restartIce = async () => void (await Object.values(window.rtc).find((part) => part?.offerPublishSdp).offerPublishSdp(true));

/** Sends DTMF tones in the audio, and returns the tones that were sent. */
window.sendTones = (tones) =>
  new Promise((resolve) => {
    const sent = [];
    const sender = window.peers.flatMap((peer) => peer.getSenders()).find((sender) => sender.track?.kind === "audio").dtmf;
    sender.ontonechange = ({ tone }) => (tone ? sent.push(tone) : resolve(sent.join("")));
    window.rtc.sendDtmf(tones);
  });
