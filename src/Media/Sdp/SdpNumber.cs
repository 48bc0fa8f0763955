using System.Globalization;
using System.Numerics;

namespace Sessions.Media.Sdp;

/// <summary>Numbers and tokens as SDP writes them (RFC 8866, section 9).</summary>
internal static class SdpNumber
{
    /// <summary>Reads a number that consists only of decimal digits.</summary>
    public static bool TryParse<T>(ReadOnlySpan<char> text, out T value)
        where T : INumberBase<T>
    {
        value = T.Zero;
        return text.Length <= 20 && T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value!);
    }
}
