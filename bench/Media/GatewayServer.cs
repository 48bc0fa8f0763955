using Microsoft.Extensions.Configuration;
using Sessions.Gateway;
using Sessions.Gateway.Network;
using Sessions.Media;

namespace Sessions.MediaBench;

/// <summary>The gateway's media path in a separate process. The load creates peers with lines of JSON on standard input.</summary>
internal static class GatewayServer
{
    private static readonly MediaPermissions Everything = new(true, true);

    public static async Task RunAsync()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new("Gateway:PublicAddresses", Subject.Address.ToString()), new("Gateway:MediaPort", "0")]).Build();
        using var sockets = new MediaSockets(GatewayOptions.Read(configuration), TimeProvider.System);
        await sockets.StartAsync(CancellationToken.None);
        List<PublishingPeer> publishers = [];
        List<SubscribingPeer> subscribers = [];
        await ServerControl.RunAsync(request => new(Handle(request)));

        string Handle(ServerRequest request)
        {
            switch (request.Operation)
            {
                case ServerOperation.Publish:
                    var publisher = sockets.Engine.CreatePublishingPeer();
                    publishers.Add(publisher);
                    var result = publisher.Answer(request.Sdp, Everything, maxTracks: 2);
                    return result.Answer ?? throw new InvalidDataException(result.Error);
                case ServerOperation.Subscribe:
                    var subscriber = sockets.Engine.CreateSubscribingPeer();
                    subscribers.Add(subscriber);
                    subscriber.SetSources([.. request.Publishers.SelectMany(index => publishers[index].Sources)]);
                    return subscriber.CreateOffer(iceRestart: false);
                default:
                    return subscribers[request.Subscriber].Answer(request.Sdp) ?? "";
            }
        }
    }
}
