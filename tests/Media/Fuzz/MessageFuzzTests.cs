using System.Text;
using System.Text.Json;
using Sessions.Gateway;
using Sessions.Media;
using Sessions.Tests.Media.Network;

namespace Sessions.Tests.Media.Fuzz;

/// <summary>
/// Session descriptions and JSON-RPC messages with arbitrary content. Set SESSIONS_FUZZ_FACTOR for more iterations, see
/// <see cref="Mutation"/>.
/// </summary>
public sealed class MessageFuzzTests
{
    private readonly Mutation _mutation = new();

    [Fact]
    public void A_peer_accepts_or_rejects_any_description_and_is_removed_completely_afterwards()
    {
        using var call = new SimulatedCall(1);
        var publisher = call.AddPublisher("a");
        publisher.Negotiate();
        var subscriber = call.AddSubscriber();
        subscriber.Subscribe(publisher);
        var subscribing = (SubscribingPeer)subscriber.Peer;
        var offer = Encoding.UTF8.GetBytes(DeviceDescription.Offer(publisher, "a", publisher.Streams));
        var answer = Encoding.UTF8.GetBytes(DeviceDescription.Answer(subscriber, subscribing.CreateOffer(iceRestart: false)));
        var (taken, times) = (0, Mutation.Times(4_000));
        for (var i = 0; i < times; i++)
        {
            var result = ((PublishingPeer)publisher.Peer).Answer(Encoding.Latin1.GetString(_mutation.Of(offer)), new(true, true), maxTracks: 4);
            Assert.True(result.Error is null != result.Answer is null);
            var error = subscribing.Answer(Encoding.Latin1.GetString(_mutation.Of(answer)));
            taken += (result.Error is null ? 1 : 0) + (error is null ? 1 : 0);
            Assert.InRange(call.Engine.PeerCount, 2, 4);
            Assert.InRange(publisher.Sources.Count, 0, 4);
        }

        Assert.InRange(taken, times / 10, 2 * times);
        call.Remove(publisher);
        call.Remove(subscriber);
        Assert.Equal(0, call.Engine.PeerCount);
    }

    [Fact]
    public void Any_JSON_RPC_message_is_parsed_or_rejected_with_valid_JSON()
    {
        byte[][] messages =
        [
            """{"jsonrpc":"2.0","id":1,"method":"offerSdp","params":{"sdpOffer":"v=0\r\n","mediaMetadata":{"mediaStreams":{"a":{"alias":"b"}}}}}"""u8.ToArray(),
            """{"jsonrpc":"2.0","id":"x\u00e9","method":"answerSdp","params":{"sdpAnswer":"v=0"}}"""u8.ToArray(),
            """{"jsonrpc":"2.0","method":"deviceDiagnostics","params":{"logs":[1,{"a":[[]]},null]}}"""u8.ToArray(),
            """{"jsonrpc":"2.0","id":1e400,"result":{},"method":"\ud800"}"""u8.ToArray(),
            """{"id":"\udc00","method":"answerSdp","params":{"sdpAnswer":"\ud800","\ud800":1}}"""u8.ToArray(),
            """[{"id":{},"error":null}]"""u8.ToArray(),
        ];
        var read = 0;
        for (var i = 0; i < Mutation.Times(200_000); i++)
        {
            var message = _mutation.Of(messages[i % messages.Length]);
            if (JsonRpcRequest.Read(message, out var failure) is not { } request)
            {
                if (failure is { } reply)
                    AssertJson(reply);
                continue;
            }

            read++;
            request.TryRead(DeviceFormat.Default.OfferSdpParams, out _);
            request.TryRead(DeviceFormat.Default.AnswerSdpParams, out _);
            request.TryRead(DeviceFormat.Default.DiagnosticsParams, out _);
            if (request.Id is { } id)
                AssertJson(JsonRpcReply.Empty.Write(id));
        }

        Assert.NotEqual(0, read);
    }

    private static void AssertJson(ReadOnlyMemory<byte> reply)
    {
        using var document = JsonDocument.Parse(reply);
        Assert.Equal("2.0", document.RootElement.GetProperty("jsonrpc").GetString());
    }
}
