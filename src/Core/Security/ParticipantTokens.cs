using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sessions.Model;

namespace Sessions.Security;

/// <summary>Signs the token with which a participant's device connects: an HS256 JWT (RFC 7519).</summary>
public sealed class ParticipantTokens(SessionsOptions options)
{
    private const int RandomLength = 16;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly SigningCredentials _signing = new(
        new SymmetricSecurityKey(options.TokenSigningKey.ToArray()), SecurityAlgorithms.HmacSha256);

    /// <summary>
    /// A token with the claims that the official browser client reads: <c>a</c> account id, <c>p</c> participant id,
    /// <c>v</c> device API version, <c>exp</c> the participant's end in seconds since 1970, <c>tid</c> 16 random characters.
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
            SigningCredentials = _signing,
        });
}
