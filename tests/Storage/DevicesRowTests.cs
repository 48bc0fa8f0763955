using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The events of a change of a device.</summary>
public sealed class DevicesRowTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("C", "onConnect")]
    [InlineData("CC", "onConnect")]
    [InlineData("CLC", "onConnect onDisconnect onConnect")]
    [InlineData("CLLX", "onConnect onDisconnect onLeave")]
    [InlineData("CXX", "onConnect onLeave")]
    [InlineData("CXL", "onConnect onLeave")]
    [InlineData("CXC", "onConnect onLeave onConnect")]
    [InlineData("X", "")]
    [InlineData("L", "")]
    public void The_callbacks_of_a_device_form_a_valid_sequence(string changes, string expected)
        => Assert.Equal(expected, Told(changes.Aggregate(Row(), (row, change) => Change(row, change, "run"))));

    [Fact]
    public void A_device_that_reconnects_to_a_new_run_counts_as_lost_and_ignores_the_earlier_run()
    {
        var moved = Change(Change(Row(), 'C', "before"), 'C', "run");

        Assert.Equal("onConnect onDisconnect onConnect", Told(moved));
        Assert.Equal("onConnect onDisconnect onConnect", Told(Change(Change(moved, 'L', "before"), 'X', "before")));
    }

    [Fact]
    public void A_run_takes_over_only_the_devices_of_earlier_runs_of_its_gateway()
    {
        var row = Change(Row(), 'C', "before", "lost");
        row = Change(Change(row, 'C', "before", "away"), 'L', "before", "away");
        row = Change(Change(row, 'C', "run", "back"), 'C', "before", "elsewhere", "another gateway");
        var adopted = row.With(new(DeviceChangeKind.Adopted, "", Now), "gateway", "run");

        Assert.Equal(["lost"], adopted.News.Skip(row.News.Count).Select(told => told.DeviceId));
        Assert.Equal(
            ["away", "back", "elsewhere", "lost"], adopted.Devices.Select(device => device.Id).Order(StringComparer.Ordinal));
        Assert.Equal(["away", "lost"], adopted.Devices.Where(device => device is { IsAway: true, Run: "run" }).Select(device => device.Id).Order(StringComparer.Ordinal));
        Assert.Equal("onDisconnect onLeave onLeave", Told(Change(Change(adopted, 'X', "run", "lost"), 'X', "run", "away"), row.News.Count));
    }

    [Fact]
    public void Leaving_after_a_loss_is_no_account_event_and_without_a_callback_URL_writes_no_row()
    {
        var (with, without) = (Row(), Row("undefined/callback"));
        foreach (var change in "CLX")
            (with, without) = (Change(with, change, "run"), Change(without, change, "run"));

        Assert.Equal((string?[])["participant.connected", "participant.disconnected", null], with.News.Select(told => told.Type));
        Assert.Equal((string?[])["participant.connected", "participant.disconnected"], without.News.Select(told => told.Type));
        Assert.All(without.News, told => Assert.Null(told.Callback));
        Assert.Equal((3, 2), (with.Events, without.Events));
    }

    private static DevicesRow Row(string url = "https://example.com/callback")
        => new(AccountId.Parse("9900000"), new(Guid.NewGuid()), url, null, Now.AddHours(9));

    private static DevicesRow Change(DevicesRow row, char change, string run, string device = "device", string gateway = "gateway")
        => row.With(
            new(change switch { 'C' => DeviceChangeKind.Connected, 'L' => DeviceChangeKind.Lost, _ => DeviceChangeKind.Left }, device, Now), gateway, run);

    private static string Told(DevicesRow row, int skip = 0) => string.Join(' ', row.News.Skip(skip).Select(told => told.Callback));
}
