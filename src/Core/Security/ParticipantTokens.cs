using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sessions.Model;

namespace Sessions.Security;

/// <summary>Signs and verifies the token with which a participant's device connects: an HS256 JWT (RFC 7519).</summary>
public sealed class ParticipantTokens(SigningKey key, TimeProvider time)
{
    private const int RandomLength = 16;

    // Three times the length of a token with the longest ids.
    private const int MaxTokenLength = 1024;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    // Created when the first token is signed or read, because the key may not be available earlier.
    private readonly Lazy<SigningCredentials> _signing = new(() => new(new SymmetricSecurityKey(key.Bytes), SecurityAlgorithms.HmacSha256));

    private readonly Lazy<TokenValidationParameters> _validation = new(() => new()
    {
        IssuerSigningKey = new SymmetricSecurityKey(key.Bytes),
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        ValidateIssuer = false,
        ValidateAudience = false,
        LifetimeValidator = (_, expires, _, _) => time.GetUtcNow() < expires,
    });

    /// <summary>
    /// Creates a token with the claims that the official browser client reads: <c>a</c> account id, <c>p</c> participant id, <c>v</c>
    /// device API version, <c>exp</c> the participant's expiry in seconds since 1970, <c>tid</c> 16 random characters.
    /// </summary>
    public string Create(AccountId accountId, Participant participant, DateTimeOffset expires)
        => _handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = new Dictionary<string, object>
            {
                ["a"] = accountId.ToString(),
                ["p"] = participant.Id,
                ["v"] = participant.DeviceApiVersion,
                ["exp"] = expires.ToUnixTimeSeconds(),
                ["tid"] = RandomNumberGenerator.GetHexString(RandomLength, lowercase: true),
            },
            SigningCredentials = _signing.Value,
        });

    /// <summary>Reads a token. Returns false if it has expired, is not a token, or was not signed with this key.</summary>
    public bool TryRead(string token, [NotNullWhen(true)] out DeviceToken? read)
    {
        // The key is in memory, so the task is already complete.
        read = token.Length <= MaxTokenLength
            && _handler.ValidateTokenAsync(token, _validation.Value).GetAwaiter().GetResult() is { IsValid: true } valid
                ? From((JsonWebToken)valid.SecurityToken)
                : null;
        return read is not null;
    }

    private static DeviceToken? From(JsonWebToken token)
        => token.TryGetPayloadValue("a", out string? account)
            && AccountId.TryParse(account ?? "", out var accountId)
            && token.TryGetPayloadValue("p", out string? participant)
            && ParticipantId.TryParse(participant, out var participantId)
            && token.TryGetPayloadValue("v", out string? version)
                ? new(accountId, participantId, version ?? "")
                : null;
}

/// <summary>The claims of a participant's token.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="ParticipantId">The participant, which may have been deleted since the token was created.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record DeviceToken(AccountId AccountId, ParticipantId ParticipantId, string DeviceApiVersion);
