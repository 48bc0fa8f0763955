namespace Sessions.Tests.Media;

/// <summary>Bytes in the format of the RFCs.</summary>
internal static class Hex
{
    public static byte[] Parse(string digits) => Convert.FromHexString([.. digits.Where(char.IsAsciiHexDigit)]);
}
