using System.Security.Cryptography;

namespace Sessions.Media.Ice;

/// <summary>The user name fragment and the password of one side of a transport (RFC 8445 section 5.3).</summary>
/// <param name="UsernameFragment">4 to 256 characters: letters, digits, <c>+</c> and <c>/</c>.</param>
/// <param name="Password">22 to 256 characters from the same set.</param>
public sealed record IceCredentials(string UsernameFragment, string Password)
{
    private const string IceCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// <summary>
    /// Creates credentials from a cryptographic random source. The fragment has 72 random bits (RFC 8445 requires 24), so that the
    /// fragments on one server do not collide. The password has 144 random bits (RFC 8445 requires 128).
    /// </summary>
    public static IceCredentials Create()
        => new(RandomNumberGenerator.GetString(IceCharacters, 12), RandomNumberGenerator.GetString(IceCharacters, 24));

    /// <summary>Returns only the fragment, so that no password is logged.</summary>
    public override string ToString() => UsernameFragment;
}
