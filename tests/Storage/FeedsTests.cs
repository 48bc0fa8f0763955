using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>Turning feeds on and off, and how long a server remembers whether one is on.</summary>
public sealed class FeedsTests
{
    private static readonly AccountId Account = AccountId.Parse("account");

    private readonly ScriptedTables _scripted = new();
    private readonly Clock _time = new();
    private readonly Feeds _feeds;

    public FeedsTests()
    {
        _time.Stop();
        _feeds = new(_scripted.Tables, _time);
    }

    [Fact]
    public async Task A_feed_can_be_turned_on_and_off()
    {
        Assert.False(await IsOnAsync(_feeds));
        await _feeds.TurnOnAsync(Account, CancellationToken.None);
        Assert.True(await IsOnAsync(_feeds));
        Assert.True(await _feeds.TurnOffAsync(Account, CancellationToken.None));
        Assert.False(await IsOnAsync(_feeds));
        Assert.False(await _feeds.TurnOffAsync(Account, CancellationToken.None));
    }

    [Fact]
    public async Task Another_server_caches_the_state_of_a_feed_for_less_than_a_minute()
    {
        var other = new Feeds(_scripted.Tables, _time);
        Assert.False(await IsOnAsync(other));
        await _feeds.TurnOnAsync(Account, CancellationToken.None);

        _time.Advance(Feeds.Memory - TimeSpan.FromMilliseconds(1));
        Assert.False(await IsOnAsync(other));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await IsOnAsync(other));
    }

    [Fact]
    public async Task An_account_whose_feed_was_turned_off_stays_in_the_list()
    {
        await _feeds.TurnOnAsync(Account, CancellationToken.None);
        await _feeds.TurnOffAsync(Account, CancellationToken.None);

        Assert.Equal([Account], await _feeds.ListAsync(CancellationToken.None).ToListAsync());
    }

    [Fact]
    public async Task Turning_a_feed_off_fails_if_the_response_is_lost_even_though_it_took_effect()
    {
        await _feeds.TurnOnAsync(Account, CancellationToken.None);
        Assert.True(await IsOnAsync(_feeds));
        _scripted.Answer(Keys.Feed, _scripted.DoneBut(Simulation.TableAnswer.Lost));

        await Assert.ThrowsAsync<StorageUnavailableException>(() => _feeds.TurnOffAsync(Account, CancellationToken.None));
        Assert.False(await IsOnAsync(_feeds));
    }

    private static async Task<bool> IsOnAsync(Feeds feeds) => await feeds.IsOnAsync(Account, CancellationToken.None);
}
