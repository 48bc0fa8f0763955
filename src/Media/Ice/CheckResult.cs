namespace Sessions.Media.Ice;

/// <summary>The result of a Binding request.</summary>
public enum CheckResult
{
    /// <summary>The request is not an authenticated check of this transport. There is no response.</summary>
    Dropped,

    /// <summary>The request is authenticated but refused with an error response. Nothing else has changed.</summary>
    Answered,

    /// <summary>The request is authenticated and gets a success response. The flow and the transport are a valid candidate pair.</summary>
    Authenticated,

    /// <summary>As <see cref="Authenticated"/>, and the flow has become the selected one.</summary>
    Nominated,
}
