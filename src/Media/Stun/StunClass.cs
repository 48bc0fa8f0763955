namespace Sessions.Media.Stun;

/// <summary>The class of a STUN message, from the two class bits of its type (RFC 8489 section 5).</summary>
public enum StunClass
{
    /// <summary>The receiver sends a response.</summary>
    Request = 0b00,

    /// <summary>The receiver sends no response.</summary>
    Indication = 0b01,

    /// <summary>The request succeeded.</summary>
    SuccessResponse = 0b10,

    /// <summary>The request failed. ERROR-CODE contains the reason.</summary>
    ErrorResponse = 0b11,
}
