using System.Net.WebSockets;
using System.Text.Json;
using Sessions.Gateway;

namespace Sessions.Tests.Gateway;

/// <summary>Devices that lose their connection and come back, and offers that are not answered.</summary>
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
    }

    public async ValueTask DisposeAsync()
    {
        await _speaking.DisposeAsync();
        await _listening.DisposeAsync();
        await _server.DisposeAsync();
    }

    private Task<TestDevice> ReconnectAsync(Party party, TestDevice before) => TestDevice.ConnectAsync(_server.Url, party, before.UniqueId);

    [Fact]
    public async Task A_device_that_comes_back_has_kept_its_media()
    {
        _speaking.Abort();
        await using var again = await ReconnectAsync(_speaker, _speaking);
        await again.CallAsync("ping");
        Assert.Equal((2, 1, 2), _server.Watch.Count);

        // The next offer of the listener is that of the second stream: the first was never gone.
        await again.PublishAsync("s", "t");
        Assert.Equal(["s", "t"], TestDevice.StreamsOf(await _listening.TakeOfferAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_newer_connection_wins_and_the_older_is_closed_with_1000()
    {
        await using var newer = await ReconnectAsync(_speaker, _speaking);

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await _speaking.Closed);
        await newer.CallAsync("ping");
        Assert.Equal((2, 1, 2), _server.Watch.Count);
    }

    [Fact]
    public async Task An_offer_that_was_not_answered_is_made_again_on_the_new_connection()
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
    public async Task An_offer_that_was_answered_is_not_made_again_on_the_new_connection()
    {
        await using var again = await ReconnectAsync(_listener, _listening);
        await again.CallAsync("ping");

        await _speaking.PublishAsync("s", "t");

        Assert.Equal(["s", "t"], TestDevice.StreamsOf(await again.TakeOfferAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_changes_while_a_device_is_away_is_offered_when_it_is_back()
    {
        _listening.Abort();
        await _speaking.PublishAsync("t");

        await using var again = await ReconnectAsync(_listener, _listening);

        await again.TakeOffersUntilAsync("t");
    }

    [Fact]
    public async Task A_device_that_stays_away_for_30_seconds_is_forgotten()
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
    public async Task An_unanswered_offer_is_followed_by_a_fresh_one_after_10_seconds()
    {
        await _speaking.PublishAsync("s", "t");
        var unanswered = await _listening.OfferAsync();

        _server.Time.Advance(Device.AnswerTimeout);

        var fresh = await _listening.TakeOfferAsync();
        Assert.Equal(TestDevice.StreamsOf(unanswered), TestDevice.StreamsOf(fresh));
        Assert.True(fresh.GetProperty("sdpRevision").GetInt64() > unanswered.GetProperty("sdpRevision").GetInt64());
    }

    [Fact]
    public async Task A_device_with_sections_from_before_the_server_was_started_is_offered_more_until_it_answers()
    {
        const int Sections = 8;
        await using var device = await TestDevice.ConnectAsync(_server.Url, _listener);

        // It cannot use an offer with fewer sections than it has, and then says nothing.
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
    public async Task An_answer_that_cannot_be_used_is_refused_and_followed_by_a_fresh_offer()
    {
        await _speaking.PublishAsync("s", "t");
        await _listening.OfferAsync();

        var response = await _listening.CallAsync("answerSdp", """{"sdpAnswer":"no sdp"}""");
        _server.Time.Advance(Device.AnswerTimeout);

        Assert.Equal(-32000, response.GetProperty("error").GetProperty("code").GetInt32());
        await _listening.TakeOffersUntilAsync("s", "t");
    }

    [Fact]
    public async Task Changes_while_an_offer_is_under_way_are_one_offer_after_it()
    {
        await _speaking.PublishAsync("s", "t");
        var first = await _listening.OfferAsync();
        await _speaking.PublishAsync("s", "t", "u");
        await _speaking.PublishAsync("u");

        await _listening.AnswerAsync(first);

        Assert.Equal(["u"], TestDevice.StreamsOf(await _listening.TakeOfferAsync()));
    }

    [Fact]
    public async Task A_revision_is_greater_than_the_last_also_when_the_clock_stands_still()
    {
        _server.Time.Stop();
        await _speaking.PublishAsync("s", "t");
        var first = await _listening.TakeOfferAsync();
        await _speaking.PublishAsync("s");
        var second = await _listening.TakeOfferAsync();

        Assert.True(second.GetProperty("sdpRevision").GetInt64() > first.GetProperty("sdpRevision").GetInt64());
    }
}
