using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>A MediaStream that a device publishes.</summary>
/// <param name="Publisher">The participant.</param>
/// <param name="StreamId">The id of the MediaStream, which the device chose.</param>
/// <param name="Alias">The name by which subscriptions select it, or null for none.</param>
/// <param name="EndpointId">The device's publishing connection.</param>
/// <param name="Since">When it was published, in ticks of the time provider.</param>
/// <param name="Sources">Its tracks.</param>
internal sealed record PublishedStream(
    ParticipantId Publisher, string StreamId, string? Alias, string EndpointId, long Since, IReadOnlyList<Source> Sources)
{
    /// <summary>The stream in the form that devices receive.</summary>
    public StreamMetadata ToMetadata() => new(
        EndpointId,
        [.. Sources.Select(source => source.Kind).Distinct().Order().Select(kind => kind == MediaKind.Audio ? "AUDIO" : "VIDEO")],
        Alias,
        Publisher.ToString());
}

/// <summary>Determines who receives which streams in a session.</summary>
internal static class Audience
{
    /// <summary>
    /// The streams that each live member receives at a given time, in the order of publishing. A member receives the streams of the
    /// participants that it subscribes to, limited to the aliases that it names, if any. If it subscribes to the session without naming
    /// participants, it receives the streams of all members. Only streams of live members count. A member never receives its own streams,
    /// including those of its other devices, because it would hear itself. Devices choose the stream ids. If two streams have the same id,
    /// only the one published first counts, so nobody can replace another participant's stream.
    /// </summary>
    public static IReadOnlyDictionary<ParticipantId, IReadOnlyList<PublishedStream>> Of(
        MemberList session, IEnumerable<PublishedStream> streams, DateTimeOffset now)
    {
        if (!session.Header.IsLive(now))
            return new Dictionary<ParticipantId, IReadOnlyList<PublishedStream>>();

        // The header determines who is a member.
        var live = session.Header.Members.Live(now).Select(entry => entry.ParticipantId).ToHashSet();
        PublishedStream[] published =
        [
            .. streams.Where(stream => live.Contains(stream.Publisher)).OrderBy(stream => stream.Since).DistinctBy(stream => stream.StreamId),
        ];
        return session.Members.Where(member => live.Contains(member.ParticipantId)).ToDictionary(
            member => member.ParticipantId,
            member => Receives(member, published));
    }

    private static IReadOnlyList<PublishedStream> Receives(MemberRow member, PublishedStream[] published)
    {
        var others = published.Where(stream => stream.Publisher != member.ParticipantId);
        return member.Subscriptions switch
        {
            { Participants: { Count: > 0 } participants } => Selected(others, participants),
            { SessionId: not null } => [.. others],
            _ => [],
        };
    }

    private static IReadOnlyList<PublishedStream> Selected(
        IEnumerable<PublishedStream> streams, IReadOnlyList<ParticipantSubscription> participants)
    {
        // The ids are stored in the letter case in which they were sent.
        var chosen = participants.ToLookup(
            participant => ParticipantId.TryParse(participant.ParticipantId, out var id) ? id : default,
            participant => participant.StreamAliases);
        return
        [
            .. streams.Where(stream => chosen[stream.Publisher].Any(aliases
                => aliases is not { Count: > 0 } || (stream.Alias is not null && aliases.Contains(stream.Alias)))),
        ];
    }
}
