// Runs in a page before the page's own scripts. Records its peer connections and sockets, so that the received media can be counted.
export function observe() {
  window.peers = [];
  window.sockets = [];
  const { RTCPeerConnection, WebSocket } = window;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      window.peers.push(this);
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      const socket = { code: null };
      this.addEventListener("close", ({ code }) => (socket.code = code));
      window.sockets.push(socket);
    }
  };

  /** All tracks that this page receives, each with its owner, the number of packets, and the amount played. */
  window.received = async () => {
    const tracks = [];
    for (const peer of window.peers.filter((peer) => peer.connectionState !== "closed")) {
      const stats = await peer.getStats();
      for (const report of stats.values()) {
        if (report.type !== "inbound-rtp") {
          continue;
        }

        const stream = [...(window.remoteStreams?.values() ?? [])].find(({ mediaStream }) =>
          mediaStream.getTracks().some((track) => track.id === report.trackIdentifier));
        tracks.push({
          key: `${peer.number ??= window.peers.indexOf(peer)} ${report.id}`,
          participantId: stream?.participantId,
          alias: stream?.alias,
          kind: report.kind,
          codec: stats.get(report.codecId)?.mimeType,
          packets: report.packetsReceived,
          played: (report.kind === "video" ? report.framesDecoded : report.totalAudioEnergy) ?? 0,
        });
      }
    }

    return tracks;
  };
}
