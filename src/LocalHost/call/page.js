// The page of a call. It uses the official SDK from npm without changes. Its only option is the address of the gateway.
import BandwidthRtc from "@bandwidth/webrtc-browser";

const status = document.querySelector("#status");
const streams = document.querySelector("#streams");

/** Shows a stream. If a track was added to it, shows it again. */
function show(id, mediaStream, caption, muted) {
  hide(id);
  const figure = document.createElement("figure");
  figure.id = id;
  const video = Object.assign(document.createElement("video"), { srcObject: mediaStream, autoplay: true, playsInline: true, muted });
  const text = document.createElement("figcaption");
  text.textContent = caption;
  figure.append(video, text);
  streams.append(figure);
}

function hide(id) {
  document.getElementById(id)?.remove();
}

/** Requests a participant's token. A program's own server would create the participant with the API and return its token. */
async function join() {
  const response = await fetch(`/call/participants${location.search}`, { method: "POST" });
  if (!response.ok) {
    throw new Error((await response.json()).error);
  }

  return response.json();
}

async function call() {
  const { token, participantId, sessionId } = await join();
  const rtc = new BandwidthRtc();
  rtc.onStreamAvailable((stream) => show(stream.endpointId, stream.mediaStream, `Participant ${stream.participantId}`, false));
  rtc.onStreamUnavailable(hide);

  const websocketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
  await rtc.connect({ deviceToken: token }, { websocketUrl });
  const own = await rtc.publish({ audio: true, video: true });
  show("own", own.mediaStream, `You, participant ${participantId}`, true);
  status.textContent = `You are in session ${sessionId}.`;
  enable(rtc);
}

function enable(rtc) {
  toggle("#microphone", ["Mute the microphone", "Unmute the microphone"], (on) => rtc.setMicEnabled(on));
  toggle("#camera", ["Turn the camera off", "Turn the camera on"], (on) => rtc.setCameraEnabled(on));
  const leave = document.querySelector("#leave");
  leave.disabled = false;
  leave.onclick = () => {
    rtc.disconnect();
    streams.replaceChildren();
    status.textContent = "You have left the call. Load the page again to return.";
    document.querySelectorAll("button").forEach((button) => (button.disabled = true));
  };
}

function toggle(selector, [turnOff, turnOn], set) {
  const button = document.querySelector(selector);
  let on = true;
  button.disabled = false;
  button.onclick = () => {
    on = !on;
    set(on);
    button.textContent = on ? turnOff : turnOn;
  };
}

call().catch((error) => {
  status.textContent = `The call could not be started: ${error.message ?? error}`;
});
