using Sessions.Gateway;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Gateway;

/// <summary>The streams that each participant receives, depending on subscriptions and time.</summary>
public sealed class AudienceTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
    private static readonly AccountId Account = AccountId.Parse("account");
    private static readonly SessionId Session = new(Guid.Parse("d036e921-2358-4178-96f7-0e76121503d0"));
    private static readonly ParticipantId[] People = [.. Enumerable.Range(1, 6).Select(number => new ParticipantId(new Guid(number, 0xA, 0xB, 1, 2, 3, 4, 5, 6, 7, 8)))];

    private static readonly Subscriptions Everyone = new(Session.ToString(), null);

    private static Subscriptions To(params ParticipantSubscription[] participants) => new(Session.ToString(), participants);

    private static ParticipantSubscription Of(int person, params string[] aliases) => new(People[person].ToString(), aliases);

    private static MemberRow Member(int person, Subscriptions subscriptions, TimeSpan? lifetime = null) => new(
        People[person], new(null, "AUDIO", "tag", "V3"), subscriptions, Now.AddHours(-1), Now + (lifetime ?? TimeSpan.FromHours(1)));

    private static PublishedStream Stream(int publisher, string id, string? alias = null, long since = 0) => new(People[publisher], id, alias, "endpoint", since, []);

    private static MemberList List(TimeSpan lifetime, params MemberRow[] members)
    {
        var header = HeaderRow.MembersChange(Account, Session, new([.. members.Select(member => new MemberEntry(member.ParticipantId, member.Expires))]), 1, Guid.Empty);
        header["Created"] = Now.AddHours(-1);
        header["Expires"] = Now + lifetime;
        return new(HeaderRow.From(header, Session), members);
    }

    /// <summary>The participants, with the ids of the streams that they receive.</summary>
    private static string Received(MemberList session, params PublishedStream[] streams)
        => string.Join("; ", Audience.Of(session, streams, Now)
            .OrderBy(entry => Array.IndexOf(People, entry.Key))
            .Select(entry => $"{Array.IndexOf(People, entry.Key)}: {string.Join(' ', entry.Value.Select(stream => stream.StreamId))}"));

    private static string Received(MemberRow[] members, params PublishedStream[] streams) => Received(List(TimeSpan.FromHours(1), members), streams);

    [Fact]
    public void A_subscription_to_the_session_covers_all_other_participants()
        => Assert.Equal("0: b c; 1: a c; 2: a b", Received(
            [Member(0, Everyone), Member(1, Everyone), Member(2, Everyone)], Stream(0, "a"), Stream(1, "b"), Stream(2, "c")));

    [Fact]
    public void A_participant_never_receives_its_own_devices_even_if_subscribed_to_itself()
        => Assert.Equal("0: b; 1: ", Received(
            [Member(0, To(Of(0), Of(1))), Member(1, Subscriptions.None)], Stream(0, "a"), Stream(0, "a2"), Stream(1, "b")));

    [Fact]
    public void Without_a_subscription_a_participant_receives_nothing()
        => Assert.Equal("0: ; 1: ", Received([Member(0, Subscriptions.None), Member(1, new(null, []))], Stream(0, "a"), Stream(1, "b")));

    [Fact]
    public void Only_the_participants_named_in_a_subscription_are_received()
        => Assert.Equal("0: c; 1: ; 2: ", Received(
            [Member(0, To(Of(2))), Member(1, Subscriptions.None), Member(2, Subscriptions.None)], Stream(1, "b"), Stream(2, "c")));

    [Fact]
    public void An_empty_list_of_participants_means_the_whole_session()
        => Assert.Equal("0: b; 1: ", Received([Member(0, To()), Member(1, Subscriptions.None)], Stream(1, "b")));

    [Fact]
    public void Aliases_match_exactly_and_no_aliases_means_all_streams()
    {
        PublishedStream[] streams = [Stream(1, "b", "camera"), Stream(1, "c", "Camera"), Stream(1, "d"), Stream(1, "e", "camera")];

        Assert.Equal("0: b e; 1: ", Received([Member(0, To(Of(1, "camera", "unknown"))), Member(1, Subscriptions.None)], streams));
        Assert.Equal("0: ; 1: ", Received([Member(0, To(Of(1, "unknown"))), Member(1, Subscriptions.None)], streams));
        Assert.Equal("0: b c d e; 1: ", Received([Member(0, To(Of(1))), Member(1, Subscriptions.None)], streams));
        Assert.Equal("0: b c d e; 1: ", Received([Member(0, To(new ParticipantSubscription(People[1].ToString(), null))), Member(1, Subscriptions.None)], streams));
    }

    [Fact]
    public void The_aliases_of_a_participant_named_twice_are_combined()
        => Assert.Equal("0: b c; 1: ", Received(
            [Member(0, To(Of(1, "x"), Of(1, "y"))), Member(1, Subscriptions.None)], Stream(1, "b", "x"), Stream(1, "c", "y"), Stream(1, "d")));

    [Fact]
    public void Participant_ids_in_subscriptions_are_case_insensitive()
        => Assert.Equal("0: b; 1: ", Received(
            [Member(0, To(new ParticipantSubscription(People[1].ToString().ToUpperInvariant(), null))), Member(1, Subscriptions.None)], Stream(1, "b")));

    [Fact]
    public void A_participant_that_is_not_a_member_is_not_received()
        => Assert.Equal("0: ", Received([Member(0, To(Of(1), Of(2)))], Stream(1, "b"), Stream(2, "c")));

    [Fact]
    public void An_expired_member_is_not_received_and_receives_nothing()
        => Assert.Equal("0: c; 2: ", Received(
            [Member(0, Everyone), Member(1, Everyone, TimeSpan.Zero), Member(2, Subscriptions.None)], Stream(1, "b"), Stream(2, "c")));

    [Fact]
    public void Members_of_an_expired_session_receive_nothing()
        => Assert.Equal("", Received(List(TimeSpan.Zero, Member(0, Everyone), Member(1, Everyone)), Stream(0, "a"), Stream(1, "b")));

    [Fact]
    public void A_stream_id_belongs_to_the_participant_that_published_it_first()
        => Assert.Equal("b", Audience.Of(
                List(TimeSpan.FromHours(1), Member(0, Everyone), Member(1, Everyone), Member(2, Everyone)),
                [Stream(2, "s", "c", since: 2), Stream(1, "s", "b", since: 1)],
                Now)[People[0]].Single().Alias);

    [Fact]
    public void Random_sessions_match_a_simple_model()
    {
        for (var seed = 0; seed < 3_000; seed++)
        {
            var random = new Random(seed);
            var session = List(TimeSpan.FromMinutes(random.Next(20)), [.. Enumerable.Range(0, People.Length)
                .Where(_ => random.Next(4) > 0)
                .Select(person => Member(person, AnySubscriptions(random), TimeSpan.FromMinutes(random.Next(5))))]);
            PublishedStream[] streams = [.. Enumerable.Range(0, random.Next(10))
                .Select(number => Stream(random.Next(People.Length), $"s{number}", AnyAlias(random), since: number))];

            var audience = Audience.Of(session, streams, Now);

            foreach (var receiver in People)
            {
                foreach (var stream in streams)
                {
                    var isReceived = audience.TryGetValue(receiver, out var received) && received.Contains(stream);
                    Assert.True(Hears(session, receiver, stream) == isReceived, $"Seed {seed}: {receiver} and {stream}.");
                }
            }
        }
    }

    private static bool Hears(MemberList session, ParticipantId receiver, PublishedStream stream)
    {
        bool IsLive(ParticipantId id) => session.Header.Expires > Now && session.Members.Any(member => member.ParticipantId == id && member.Expires > Now);
        if (receiver == stream.Publisher || !IsLive(receiver) || !IsLive(stream.Publisher))
            return false;

        var subscriptions = session.Members.Single(member => member.ParticipantId == receiver).Subscriptions;
        if (subscriptions.Participants is null || subscriptions.Participants.Count == 0)
            return subscriptions.SessionId is not null;

        foreach (var participant in subscriptions.Participants)
        {
            var isNamed = participant.ParticipantId.Equals(stream.Publisher.ToString(), StringComparison.OrdinalIgnoreCase);
            if (isNamed && (participant.StreamAliases is null || participant.StreamAliases.Count == 0))
                return true;
            if (isNamed && participant.StreamAliases!.Any(alias => alias == stream.Alias))
                return true;
        }

        return false;
    }

    private static Subscriptions AnySubscriptions(Random random) => random.Next(4) switch
    {
        0 => Subscriptions.None,
        1 => Everyone,
        _ => To([.. Enumerable.Range(0, random.Next(4)).Select(_ => new ParticipantSubscription(
            random.Next(2) == 0 ? People[random.Next(People.Length)].ToString() : People[random.Next(People.Length)].ToString().ToUpperInvariant(),
            random.Next(3) == 0 ? null : [.. Enumerable.Range(0, random.Next(3)).Select(_ => AnyAlias(random) ?? "")]))]),
    };

    private static string? AnyAlias(Random random) => random.Next(4) is var number and < 3 ? $"alias{number}" : null;
}
