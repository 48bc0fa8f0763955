using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// Notifies a listener in this process that a membership may have changed, so that it need not wait until it next reads the tables. The
/// tables remain the source of truth. A hint needs no storage call, and a request that changed nothing also sends one.
/// </summary>
public sealed class MembershipHints
{
    /// <summary>The listener. It is called on the thread of the finished request, so it must be fast and must not throw.</summary>
    public Action<MembershipHint>? Listener { get; set; }
}

/// <summary>The membership that a request may have changed.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="SessionId">The session, or null if the request named none.</param>
/// <param name="ParticipantId">The participant, or null if the request named none.</param>
public readonly record struct MembershipHint(AccountId AccountId, SessionId? SessionId, ParticipantId? ParticipantId);
