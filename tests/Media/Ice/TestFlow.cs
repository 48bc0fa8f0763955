using System.Net;
using Sessions.Media;

namespace Sessions.Tests.Media.Ice;

/// <summary>A flow that is only an address.</summary>
internal sealed class TestFlow(IPEndPoint remote, bool isTcp = false) : Flow(remote)
{
    public override bool IsTcp => isTcp;
}
