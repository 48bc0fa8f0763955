namespace Sessions.Media.Stun;

/// <summary>The class of a STUN message, RFC 8489 section 5: the two class bits of its type.</summary>
public enum StunClass
{
    /// <summary>Asks for a response.</summary>
    Request = 0b00,

    /// <summary>Gets no response.</summary>
    Indication = 0b01,

    /// <summary>The request succeeded.</summary>
    SuccessResponse = 0b10,

    /// <summary>The request failed; ERROR-CODE says why.</summary>
    ErrorResponse = 0b11,
}
