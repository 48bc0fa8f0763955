namespace Sessions.Tests.Media;

/// <summary>Bytes as the RFCs print them.</summary>
internal static class Hex
{
    public static byte[] Parse(string digits) => Convert.FromHexString([.. digits.Where(char.IsAsciiHexDigit)]);
}
