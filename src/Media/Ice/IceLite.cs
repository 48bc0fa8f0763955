using System.Text;
using Sessions.Media.Stun;

namespace Sessions.Media.Ice;

/// <summary>
/// The lite agent of one transport, RFC 8445 sections 2.5 and 7.3. It sends no checks, is always in the controlled role, and selects
/// the pair that its peer nominated last. The peer's checks are its consent to receive, RFC 7675. After an ICE restart a new agent has
/// the new credentials, while the former one keeps its selected flow. Not safe for several threads.
/// </summary>
/// <param name="local">The credentials that the peer got from this side's SDP.</param>
public sealed class IceLite(IceCredentials local)
{
    /// <summary>The longest response, in bytes.</summary>
    public const int MaxResponseLength = 160;

    /// <summary>How long a check is consent to send, RFC 7675 section 5.1.</summary>
    public static readonly TimeSpan ConsentLifetime = TimeSpan.FromSeconds(30);

    private const int MaxUnknownAttributes = 16;
    private const int RememberedNominations = 16;

    private readonly byte[] _fragment = Encoding.ASCII.GetBytes(local.UsernameFragment);
    private readonly byte[] _password = Encoding.ASCII.GetBytes(local.Password);
    private readonly byte[] _nominations = new byte[RememberedNominations * StunMessage.TransactionIdLength];
    private int _nominationCount;
    private byte[]? _remoteFragment;

    /// <summary>The credentials of this side.</summary>
    public IceCredentials Local => local;

    /// <summary>The credentials in the peer's SDP. Checks may come before it; from then on they must have the peer's fragment.</summary>
    public IceCredentials? Remote
    {
        get;
        set
        {
            field = value;
            _remoteFragment = value is null ? null : Encoding.ASCII.GetBytes(value.UsernameFragment);
        }
    }

    /// <summary>The flow of the pair that was nominated last.</summary>
    public Flow? Selected { get; private set; }

    /// <summary>When the last authenticated check came over the selected flow.</summary>
    public TimeSpan? LastConsent { get; private set; }

    /// <summary>
    /// Whether the selected flow has had no authenticated check for 30 s: nothing may be sent to it until there is one. False as long as
    /// no flow is selected.
    /// </summary>
    public bool IsConsentExpired(TimeSpan now) => now - LastConsent >= ConsentLifetime;

    /// <summary>
    /// Checks and answers a Binding request, RFC 8445 section 7.3. The flow of an unauthenticated one gets no response, so that nobody
    /// can have anything sent to an address that is not theirs.
    /// </summary>
    /// <param name="request">The message.</param>
    /// <param name="flow">Where it came from.</param>
    /// <param name="now">The time.</param>
    /// <param name="response">Where the response goes, at least <see cref="MaxResponseLength"/> bytes.</param>
    /// <param name="length">The length of the response, 0 when there is none.</param>
    public CheckResult Check(in StunMessage request, Flow flow, TimeSpan now, Span<byte> response, out int length)
    {
        length = 0;
        if (!IsAuthentic(request))
            return CheckResult.Dropped;

        length = Respond(request, flow, response, out var isSuccess);
        return isSuccess ? Accept(request, flow, now) : CheckResult.Answered;
    }

    /// <summary>RFC 8445 sections 7.1, 7.2.2 and 7.3: the name begins with the fragment of this side, and FINGERPRINT is there.</summary>
    private bool IsAuthentic(in StunMessage request)
        => request is { Class: StunClass.Request, IsBinding: true }
            && request.TryGetUsername(out var username)
            && username.Length > _fragment.Length
            && username.StartsWith(_fragment)
            && username[_fragment.Length] == ':'
            && (_remoteFragment is null || username[(_fragment.Length + 1)..].SequenceEqual(_remoteFragment))
            && request.VerifyFingerprint()
            && request.VerifyIntegrity(_password);

    private int Respond(in StunMessage request, Flow flow, Span<byte> response, out bool isSuccess)
    {
        Span<ushort> unknown = stackalloc ushort[MaxUnknownAttributes];
        unknown = unknown[..request.CopyUnknownRequiredAttributes(unknown)];

        // RFC 8445 section 6.1.1: opposite a full agent the lite one is controlled, so it is the peer that has to change its role.
        var isRoleConflict = request.IceControlled is not null;
        isSuccess = unknown.IsEmpty && !isRoleConflict;
        var writer = new StunWriter(response, isSuccess ? StunClass.SuccessResponse : StunClass.ErrorResponse, request.TransactionId);
        if (isSuccess)
        {
            writer.AddMappedAddress(flow.Remote);
        }
        else if (unknown.IsEmpty)
        {
            writer.AddErrorCode(487, "Role Conflict"u8);
        }
        else
        {
            writer.AddErrorCode(420, "Unknown Attribute"u8);
            writer.AddUnknownAttributes(unknown);
        }

        writer.AddIntegrity(_password);
        writer.AddFingerprint();
        return writer.Length;
    }

    private CheckResult Accept(in StunMessage request, Flow flow, TimeSpan now)
    {
        var isNew = request.UseCandidate && TryRemember(request.TransactionId) && flow != Selected;
        if (isNew || IsSelectedAgain(flow))
            Selected = flow;

        if (flow == Selected)
            LastConsent = now;

        return isNew ? CheckResult.Nominated : CheckResult.Authenticated;
    }

    /// <summary>
    /// Whether this is the selected flow after it was forgotten for its silence. The peer need not nominate it again, because for the
    /// peer it is the same.
    /// </summary>
    private bool IsSelectedAgain(Flow flow) => Selected is { } selected && selected.IsTcp == flow.IsTcp && selected.Remote.Equals(flow.Remote);

    /// <summary>
    /// Remembers a nomination; false if it is known. One that comes again, late or from somebody who has seen it on its way, must not
    /// bring back a flow that the peer has left, or select one of somebody else.
    /// </summary>
    private bool TryRemember(ReadOnlySpan<byte> transactionId)
    {
        for (var i = 0; i < Math.Min(_nominationCount, RememberedNominations); i++)
        {
            if (transactionId.SequenceEqual(Nomination(i)))
                return false;
        }

        transactionId.CopyTo(Nomination(_nominationCount % RememberedNominations));
        _nominationCount++;
        return true;
    }

    private Span<byte> Nomination(int index)
        => _nominations.AsSpan(index * StunMessage.TransactionIdLength, StunMessage.TransactionIdLength);
}
