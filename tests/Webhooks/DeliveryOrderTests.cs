using Sessions.Model;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The events that may be sent, without storage and without receivers.</summary>
public sealed class DeliveryOrderTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void Events_of_one_session_are_taken_one_at_a_time()
    {
        var order = new DeliveryOrder();
        order.Add(Event(1, "s"));
        order.Add(Event(2, "s"));

        var first = order.Take(Now)!;
        Assert.Equal((1, null), (first.Position, order.Take(Now)));
        order.Remove(first);

        Assert.Equal(2, order.Take(Now)!.Position);
    }

    [Fact]
    public void An_event_waits_for_its_session_and_for_its_participant()
    {
        var order = new DeliveryOrder();
        order.Add(Event(1, "a", "p"));
        order.Add(Event(2, "b"));
        order.Add(Event(3, "b", "p"));
        order.Add(Event(4, "c", "q"));
        var (one, two, four) = (order.Take(Now)!, order.Take(Now)!, order.Take(Now)!);

        Assert.Equal((1, 2, 4), (one.Position, two.Position, four.Position));
        order.Remove(one);
        Assert.Null(order.Take(Now));
        order.Remove(two);
        Assert.Equal(3, order.Take(Now)!.Position);
    }

    [Fact]
    public void A_delayed_event_blocks_only_later_events_of_its_session_and_participant()
    {
        var order = new DeliveryOrder();
        order.Add(Event(1, "a", "p"));
        order.Add(Event(2, "b", "p"));
        order.Add(Event(3, "b"));
        order.Add(Event(4, "c"));
        var first = order.Take(Now)!;
        first.Next = Now.AddSeconds(5);
        order.PutBack(first);

        Assert.Equal([1, 2, 3], order.Waiting(Now).Select(waiting => waiting.Position));
        Assert.Equal((4, null), (order.Take(Now)!.Position, order.Take(Now)));
        Assert.Equal(Now.AddSeconds(5), order.NextDue);
        Assert.Equal(1, order.Take(Now.AddSeconds(5))!.Position);
    }

    [Fact]
    public void An_event_that_is_read_late_is_still_taken_before_later_events()
    {
        var order = new DeliveryOrder();
        order.Add(Event(7, "a"));
        order.Add(Event(5, "a"));

        Assert.False(order.Add(Event(7, "a")));
        Assert.Equal((5, null), (order.Take(Now)!.Position, order.Take(Now)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_events_are_all_taken_in_order_for_each_key(int seed)
    {
        var random = new Random(seed);
        var order = new DeliveryOrder();
        var (now, added) = (Now, 0);
        List<PendingEvent> taken = [], removed = [];
        while (removed.Count < 500)
        {
            if (added < 500 && random.Next(3) == 0)
                order.Add(Event(++added, $"s{random.Next(10)}", random.Next(2) == 0 ? $"p{random.Next(20)}" : null));
            if (order.Take(now) is { } next)
                taken.Add(next);
            if (taken.Count > 0 && random.Next(2) == 0)
            {
                var ended = taken[random.Next(taken.Count)];
                taken.Remove(ended);
                if (random.Next(3) > 0)
                {
                    order.Remove(ended);
                    removed.Add(ended);
                }
                else
                {
                    ended.Next = now.AddSeconds(random.Next(10));
                    order.PutBack(ended);
                }
            }

            now = now.AddSeconds(random.Next(3));
        }

        Assert.Empty(order.All);
        Assert.Null(order.NextDue);
        foreach (var key in removed.SelectMany(pending => pending.Keys).Distinct())
        {
            var positions = removed.Where(pending => pending.Keys.Contains(key)).Select(pending => pending.Position).ToArray();
            Assert.Equal(positions.Order(), positions);
        }
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 30)]
    [InlineData(3, 120)]
    [InlineData(4, 600)]
    [InlineData(5, 1_800)]
    [InlineData(6, 3_600)]
    [InlineData(7, 7_200)]
    [InlineData(30, 7_200)]
    public void Pauses_grow_to_two_hours_with_10_percent_of_jitter(int attempts, int seconds)
    {
        var pause = RetrySchedule.NextTry(attempts, Now, Now, null, 0)!.Value - Now;
        var longest = RetrySchedule.NextTry(attempts, Now, Now, null, 1)!.Value - Now;

        Assert.Equal((seconds, seconds * 11 / 10.0), (pause.TotalSeconds, longest.TotalSeconds));
    }

    [Fact]
    public void An_event_fails_if_its_next_attempt_would_be_after_72_hours()
    {
        Assert.Equal(Now.AddHours(72), RetrySchedule.NextTry(30, Now, Now.AddHours(70), null, 0));
        Assert.Null(RetrySchedule.NextTry(30, Now, Now.AddHours(70).AddSeconds(1), null, 0));
        Assert.Equal(Now.AddHours(72), RetrySchedule.NextTry(1, Now, Now, TimeSpan.FromHours(72), 0));
        Assert.Null(RetrySchedule.NextTry(1, Now, Now, TimeSpan.FromHours(73), 0));
    }

    [Fact]
    public void A_Retry_After_shorter_than_the_usual_pause_is_ignored()
        => Assert.Equal(Now.AddSeconds(120), RetrySchedule.NextTry(3, Now, Now, TimeSpan.FromSeconds(1), 0));

    private static PendingEvent Event(long position, string session, string? participant = null)
        => new(position, new($"evt_{position}", EventTypes.ParticipantJoined, Now, new("a", session, participant, null, null)));
}
