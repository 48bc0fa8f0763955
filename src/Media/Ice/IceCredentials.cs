using System.Security.Cryptography;

namespace Sessions.Media.Ice;

/// <summary>The user name fragment and the password of one side of a transport, RFC 8445 section 5.3.</summary>
/// <param name="UsernameFragment">4 to 256 characters: letters, digits, <c>+</c> and <c>/</c>.</param>
/// <param name="Password">22 to 256 characters of the same kind.</param>
public sealed record IceCredentials(string UsernameFragment, string Password)
{
    private const string IceCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// <summary>
    /// New credentials from a cryptographic source: 72 random bits in the fragment, of which RFC 8445 wants 24, so that fragments of one
    /// server do not meet, and 144 bits in the password, of which it wants 128.
    /// </summary>
    public static IceCredentials Create()
        => new(RandomNumberGenerator.GetString(IceCharacters, 12), RandomNumberGenerator.GetString(IceCharacters, 24));

    /// <summary>The fragment only, so that no password gets into a log.</summary>
    public override string ToString() => UsernameFragment;
}
