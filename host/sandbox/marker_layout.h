/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the daemon leaves the markers that knd-gate waits for, and what is in them:
 *
 *   RUN_DIR/gate/SANDBOX_ID/CLAIM_UID      "attached\n"  or  "failed: TEXT\n"
 *
 * A marker is written beside its place under a name that begins with a dot and renamed, so whoever
 * can open it sees all of it. SANDBOX_ID is the container runtime's, CLAIM_UID that of the
 * ResourceClaim; a sandbox that is made again has a new id, so a marker is never left over from
 * another one.
 */
#ifndef KND_SANDBOX_MARKER_LAYOUT_H
#define KND_SANDBOX_MARKER_LAYOUT_H

#define KND_MARKER_DIRECTORY "gate"
#define KND_MARKER_ATTACHED "attached\n"
#define KND_MARKER_FAILED "failed: "
/* Longest marker, with its newline. The runtime puts 240 characters before what the gate says. */
#define KND_MARKER_MAX 1024

#endif
