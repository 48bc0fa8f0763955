using System.Net.WebSockets;
using System.Text.Json;
using Sessions.Gateway;

namespace Sessions.Tests.Gateway;

/// <summary>Devices that lose their connection and reconnect, and offers without an answer.</summary>
public sealed class ReconnectTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly GatewayServer _server = new(azurite);
    private Party _speaker = null!;
    private Party _listener = null!;
    private TestDevice _speaking = null!;
    private TestDevice _listening = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        var account = await _server.NewAccountAsync();
        var session = await account.CreateSessionAsync();
        (_speaker, _listener) = (await Party.CreateAsync(account), await Party.CreateAsync(account));
        await _speaker.JoinAsync(session);
        await _listener.JoinAsync(session);
        (_speaking, _listening) = (await TestDevice.ConnectAsync(_server.Url, _speaker), await TestDevice.ConnectAsync(_server.Url, _listener));
        await _speaking.PublishAsync("s");
        await _listening.TakeOffersUntilAsync("s");

        // A slow answer to an offer is then never too late.
        _server.Time.Stop();
    }

    public async ValueTask DisposeAsync()
    {
        await _speaking.DisposeAsync();
        await _listening.DisposeAsync();
        await _server.DisposeAsync();
    }

    private Task<TestDevice> ReconnectAsync(Party party, TestDevice before) => TestDevice.ConnectAsync(_server.Url, party, before.UniqueId);

    [Fact]
    public async Task A_device_that_reconnects_keeps_its_media()
    {
        _speaking.Abort();
        await using var again = await ReconnectAsync(_speaker, _speaking);
        await again.CallAsync("ping");
        Assert.Equal((2, 1, 2), _server.Watch.Count);

        // The next offer to the listener is for the second stream, because the first was never removed.
        await again.PublishAsync("s", "t");
        Assert.Equal(["s", "t"], TestDevice.StreamsOf(await _listening.TakeOfferAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_newer_connection_replaces_the_older_one_which_is_closed_with_1000()
    {
        await using var newer = await ReconnectAsync(_speaker, _speaking);

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await _speaking.Closed);
        await newer.CallAsync("ping");
        Assert.Equal((2, 1, 2), _server.Watch.Count);
    }

    [Fact]
    public async Task An_unanswered_offer_is_repeated_on_the_new_connection()
    {
        await _speaking.PublishAsync("s", "t");
        var lost = await _listening.OfferAsync();
        _listening.Abort();

        await using var again = await ReconnectAsync(_listener, _listening);

        var offer = await again.TakeOfferAsync();
        Assert.Equal(["s", "t"], TestDevice.StreamsOf(offer).Order(StringComparer.Ordinal));
        Assert.True(offer.GetProperty("sdpRevision").GetInt64() > lost.GetProperty("sdpRevision").GetInt64());
    }

    [Fact]
    public async Task An_answered_offer_is_not_repeated_on_the_new_connection()
    {
        await using var again = await ReconnectAsync(_listener, _listening);
        await again.CallAsync("ping");

        await _speaking.PublishAsync("s", "t");

        Assert.Equal(["s", "t"], TestDevice.StreamsOf(await again.TakeOfferAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Changes_while_a_device_is_disconnected_are_offered_when_it_reconnects()
    {
        _listening.Abort();
        await _speaking.PublishAsync("t");

        await using var again = await ReconnectAsync(_listener, _listening);

        await again.TakeOffersUntilAsync("t");
    }

    [Fact]
    public async Task A_device_that_does_not_reconnect_within_30_seconds_is_removed()
    {
        _speaking.Abort();
        await Eventually.IsAsync(true, () =>
        {
            _server.Time.Advance(TimeSpan.FromSeconds(1));
            return _server.Watch.Count == (1, 1, 1);
        });

        await _listening.TakeOffersUntilAsync();
    }

    [Fact]
    public async Task An_unanswered_offer_is_replaced_by_a_new_one_after_10_seconds()
    {
        await _speaking.PublishAsync("s", "t");
        var unanswered = await _listening.OfferAsync();

        _server.Time.Advance(Device.AnswerTimeout);

        var fresh = await _listening.TakeOfferAsync();
        Assert.Equal(TestDevice.StreamsOf(unanswered), TestDevice.StreamsOf(fresh));
        Assert.True(fresh.GetProperty("sdpRevision").GetInt64() > unanswered.GetProperty("sdpRevision").GetInt64());
    }

    [Fact]
    public async Task A_device_with_more_sections_than_a_restarted_server_is_offered_more_until_it_answers()
    {
        const int Sections = 8;
        await using var device = await TestDevice.ConnectAsync(_server.Url, _listener);

        // The device cannot use an offer with fewer sections than it has, and does not respond to it.
        var offer = await device.OfferAsync();
        while (SectionsOf(offer).Length < Sections)
        {
            _server.Time.Advance(Device.FirstAnswerTimeout);
            offer = await device.OfferAsync();
        }

        await device.AnswerAsync(offer);
        Assert.Equal(Sections, SectionsOf(offer).Length);
        Assert.Equal(["audio", "video", "audio", "video"], SectionsOf(offer)[..4]);
        Assert.Equal(["s"], TestDevice.StreamsOf(offer));

        static string[] SectionsOf(JsonElement offer)
            => [.. offer.GetProperty("sdpOffer").GetString()!.Split("\nm=")[1..].Select(section => section.Split(' ')[0])];
    }

    [Fact]
    public async Task An_invalid_answer_is_rejected_and_followed_by_a_new_offer()
    {
        await _speaking.PublishAsync("s", "t");
        await _listening.OfferAsync();

        var response = await _listening.CallAsync("answerSdp", """{"sdpAnswer":"no sdp"}""");
        _server.Time.Advance(Device.AnswerTimeout);

        Assert.Equal(-32000, response.GetProperty("error").GetProperty("code").GetInt32());
        await _listening.TakeOffersUntilAsync("s", "t");
    }

    [Fact]
    public async Task Changes_during_a_pending_offer_are_combined_in_the_next_offer()
    {
        await _speaking.PublishAsync("s", "t");
        var first = await _listening.OfferAsync();
        await _speaking.PublishAsync("s", "t", "u");
        await _speaking.PublishAsync("u");

        await _listening.AnswerAsync(first);

        Assert.Equal(["u"], TestDevice.StreamsOf(await _listening.TakeOfferAsync()));
    }

    [Fact]
    public async Task Revisions_increase_even_if_the_clock_stands_still()
    {
        await _speaking.PublishAsync("s", "t");
        var first = await _listening.TakeOfferAsync();
        await _speaking.PublishAsync("s");
        var second = await _listening.TakeOfferAsync();

        Assert.True(second.GetProperty("sdpRevision").GetInt64() > first.GetProperty("sdpRevision").GetInt64());
    }
}
