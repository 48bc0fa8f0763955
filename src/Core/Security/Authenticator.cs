using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Security;

/// <summary>How a check of credentials ended.</summary>
/// <param name="Access">What the caller may do; null when the credentials do not open the account.</param>
/// <param name="Wait">How long the caller has to wait before they are looked at; null when they were.</param>
public readonly record struct Authentication(Access? Access, TimeSpan? Wait = null);

/// <summary>
/// Checks credentials. A verified one is remembered for <see cref="MemoryLifetime"/>, so that it normally costs no storage
/// call, and a revoked one dies within that time.
/// </summary>
public sealed class Authenticator(CredentialStore credentials, GuessLimiter limiter, SessionsOptions options, TimeProvider time)
{
    /// <summary>How long a verified credential is not looked up again.</summary>
    public static readonly TimeSpan MemoryLifetime = TimeSpan.FromSeconds(60);

    /// <summary>How many verified credentials are remembered.</summary>
    internal const int MaxRemembered = 10_000;

    // An entry past its time is not used, and yet tells a caller that has opened the account before from one that guesses.
    private readonly BoundedMemory<GivenCredential, (Access Access, DateTimeOffset Until)> _remembered = new(MaxRemembered);

    // Requests with the same credential at once are one guess, however many: they share its look-up.
    private readonly ConcurrentDictionary<GivenCredential, Lazy<Task<Authentication>>> _lookUps = new();

    /// <summary>
    /// What a caller may do in the account. One storage call at most; for a credential that is remembered none, and no
    /// allocation. A header that can be no credential is refused without a look-up, and is not counted as a guess.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="authorization">The <c>Authorization</c> header.</param>
    /// <param name="caller">Tells where the request comes from, when that matters.</param>
    /// <param name="cancellation">Ends the wait for the look-up, which others may share.</param>
    public ValueTask<Authentication> AuthenticateAsync(
        AccountId accountId, string authorization, Func<Caller> caller, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(2 * authorization.Length);
        try
        {
            if (!BasicCredentials.TryDecode(authorization, buffer, out var text))
                return default;

            var credential = GivenCredential.Of(accountId, text);
            if (_remembered.TryGet(credential, out var remembered) && time.GetUtcNow() < remembered.Until)
                return new(new Authentication(remembered.Access));

            return BasicCredentials.Parse(text) is { UserName.Length: > 0 } given
                && Encoding.UTF8.GetByteCount(given.UserName) <= CredentialStore.MaxUserNameBytes
                    ? new(ShareLookUpAsync(credential, given, caller(), cancellation))
                    : default;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private async Task<Authentication> ShareLookUpAsync(
        GivenCredential credential, BasicCredentials given, Caller caller, CancellationToken cancellation)
    {
        while (true)
        {
            var mine = new Lazy<Task<Authentication>>(() => LookUpAsync(credential, given, caller));
            var lookUp = _lookUps.GetOrAdd(credential, mine);
            var result = await lookUp.Value.WaitAsync(cancellation);

            // It is the other caller that has to wait.
            if (lookUp == mine || result.Wait is null)
                return result;
        }
    }

    private async Task<Authentication> LookUpAsync(GivenCredential credential, BasicCredentials given, Caller caller)
    {
        var (isGuess, hasFailed) = (false, false);
        try
        {
            if (!_remembered.TryGet(credential, out _))
            {
                if (!limiter.TryBegin(credential.AccountId, caller, out var wait))
                    return new(null, wait);
                isGuess = true;
            }

            // Not with the request: others may share the look-up, and a guess counts though its caller went away.
            using var deadline = new CancellationTokenSource(options.RequestTimeout, time);
            if (await VerifyAsync(credential.AccountId, given, time.GetUtcNow(), deadline.Token) is { } verified)
            {
                _remembered.Set(credential, verified);
                return new(verified.Access);
            }

            hasFailed = true;
            _remembered.Remove(credential);
            return default;
        }
        finally
        {
            if (isGuess)
                limiter.End(credential.AccountId, caller, hasFailed);
            _lookUps.TryRemove(credential, out _);
        }
    }

    /// <summary>What the caller may do and how long that is remembered; null when the credentials do not open the account.</summary>
    private async Task<(Access Access, DateTimeOffset Until)?> VerifyAsync(
        AccountId accountId, BasicCredentials given, DateTimeOffset now, CancellationToken cancellation)
    {
        // The same work for an unknown user as for a wrong secret, and for one that was never rotated.
        var credential = await credentials.FindAsync(accountId, given.UserName, cancellation);
        var matches = Matches(given, credential?.SecretHash);
        var matchesPrevious = Matches(given, credential?.Previous?.SecretHash);
        if (credential is null)
            return null;
        if (matches)
            return (credential.Access, now + MemoryLifetime);

        var previousEnd = credential.Previous?.Expires;
        return matchesPrevious && now < previousEnd
            ? (credential.Access, previousEnd.Value < now + MemoryLifetime ? previousEnd.Value : now + MemoryLifetime)
            : null;
    }

    private static bool Matches(BasicCredentials given, byte[]? secretHash)
        => CryptographicOperations.FixedTimeEquals(given.SecretHash, secretHash ?? new byte[SHA256.HashSizeInBytes]) & secretHash is not null;

    /// <summary>
    /// A user name and a secret for an account, by what they are and not by how the header spells them. They are kept as a
    /// digest only, so that the time to find them tells nothing of a secret.
    /// </summary>
    private readonly record struct GivenCredential(AccountId AccountId, UInt128 DigestHigh, UInt128 DigestLow)
    {
        public static GivenCredential Of(AccountId accountId, ReadOnlySpan<byte> text)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, digest);
            var halves = MemoryMarshal.Cast<byte, UInt128>(digest);
            return new(accountId, halves[0], halves[1]);
        }
    }
}
