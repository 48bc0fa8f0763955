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
public sealed class Authenticator(CredentialStore credentials, GuessLimiter limiter, TimeProvider time)
{
    /// <summary>How long a verified credential is not looked up again.</summary>
    public static readonly TimeSpan MemoryLifetime = TimeSpan.FromSeconds(60);

    private const int MaxRemembered = 10_000;

    // An entry past its time is not used, and yet tells a caller that has opened the account before from one that guesses.
    // The key is a digest of account and header: no secret is kept, and the time of a look-up tells nothing of one.
    private readonly ConcurrentDictionary<Digest, (Access Access, DateTimeOffset Until)> _remembered = new();

    /// <summary>
    /// What a caller may do in the account. One storage call at most; for a credential that is remembered none, and no
    /// allocation.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="authorization">The <c>Authorization</c> header.</param>
    /// <param name="caller">Tells where the request comes from, when that matters.</param>
    /// <param name="cancellation">Ends the look-up.</param>
    public ValueTask<Authentication> AuthenticateAsync(
        AccountId accountId, string authorization, Func<string> caller, CancellationToken cancellation)
    {
        var digest = DigestOf(accountId, authorization);
        var isKnown = _remembered.TryGetValue(digest, out var remembered);
        if (isKnown && time.GetUtcNow() < remembered.Until)
            return new(new Authentication(remembered.Access));

        var address = caller();
        return !isKnown && limiter.Wait(accountId, address) is { } wait
            ? new(new Authentication(null, wait))
            : new(LookUpAsync(accountId, authorization, digest, address, cancellation));
    }

    private async Task<Authentication> LookUpAsync(
        AccountId accountId, string authorization, Digest digest, string caller, CancellationToken cancellation)
    {
        if (await VerifyAsync(accountId, authorization, time.GetUtcNow(), cancellation) is not { } verified)
        {
            _remembered.TryRemove(digest, out _);
            limiter.Count(accountId, caller);
            return default;
        }

        if (_remembered.Count >= MaxRemembered)
            _remembered.Clear();
        _remembered[digest] = verified;
        return new(verified.Access);
    }

    /// <summary>What the caller may do and how long that is remembered; null when the credentials do not open the account.</summary>
    private async Task<(Access Access, DateTimeOffset Until)?> VerifyAsync(
        AccountId accountId, string authorization, DateTimeOffset now, CancellationToken cancellation)
    {
        if (BasicCredentials.Parse(authorization) is not { UserName.Length: > 0 } given
            || Encoding.UTF8.GetByteCount(given.UserName) > CredentialStore.MaxUserNameBytes)
        {
            return null;
        }

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

    private static Digest DigestOf(AccountId accountId, string authorization)
    {
        // No account id has a line break in it, so that no other pair of account and header gives the same text.
        var account = accountId.ToString();
        var length = account.Length + 1 + authorization.Length;
        var rented = ArrayPool<char>.Shared.Rent(length);
        var text = rented.AsSpan(0, length);
        account.CopyTo(text);
        text[account.Length] = '\n';
        authorization.CopyTo(text[(account.Length + 1)..]);

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(text), digest);
        ArrayPool<char>.Shared.Return(rented, clearArray: true);
        return MemoryMarshal.Read<Digest>(digest);
    }

    private readonly record struct Digest(UInt128 High, UInt128 Low);
}
