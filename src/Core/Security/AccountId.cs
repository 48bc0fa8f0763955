using System.Buffers;

namespace Sessions.Security;

/// <summary>The form of an account id: 1 to 64 of letters, digits, <c>-</c> and <c>_</c>.</summary>
public static class AccountId
{
    private const int MaxLength = 64;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Whether an account could have this id.</summary>
    public static bool IsValid(string accountId)
        => accountId.Length is > 0 and <= MaxLength && !accountId.AsSpan().ContainsAnyExcept(Allowed);
}
