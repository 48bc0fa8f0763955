using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>A MediaStream that a device publishes.</summary>
/// <param name="Publisher">The participant.</param>
/// <param name="StreamId">The id of the MediaStream, which the device has made.</param>
/// <param name="Alias">The name that subscriptions select it by; null for none.</param>
/// <param name="EndpointId">The device's publishing connection.</param>
/// <param name="Since">When it was published, in ticks of the time provider.</param>
/// <param name="Sources">Its tracks.</param>
internal sealed record PublishedStream(
    ParticipantId Publisher, string StreamId, string? Alias, string EndpointId, long Since, IReadOnlyList<Source> Sources)
{
    /// <summary>The stream as devices see it.</summary>
    public StreamMetadata ToMetadata() => new(
        EndpointId,
        [.. Sources.Select(source => source.Kind).Distinct().Order().Select(kind => kind == MediaKind.Audio ? "AUDIO" : "VIDEO")],
        Alias,
        Publisher.ToString());
}

/// <summary>Who receives which streams in a session.</summary>
internal static class Audience
{
    /// <summary>
    /// What each live member receives at a moment, in the order of publishing: the streams of the participants that it subscribes
    /// to, of those only the aliases that it names, or without any those of all members when it subscribes to the session. Only of
    /// live members, and never its own, also not those of another of its own devices: it would hear itself. When two streams have
    /// the same id, which devices choose, the one that was published first counts: nobody can take another's place.
    /// </summary>
    public static IReadOnlyDictionary<ParticipantId, IReadOnlyList<PublishedStream>> Of(
        MemberList session, IEnumerable<PublishedStream> streams, DateTimeOffset now)
    {
        if (!session.Header.IsLive(now))
            return new Dictionary<ParticipantId, IReadOnlyList<PublishedStream>>();

        // The header is the truth of who is a member.
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
        // The ids are stored as they were sent, in any case.
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
