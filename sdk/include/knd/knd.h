/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/knd.h - everything a backend in C may use. The C++20 layer is knd/cpp/backend.hpp.
 */
#ifndef KND_KND_H
#define KND_KND_H

#include "abi.h"
#include "backend.h"
#include "ext/attach.h"
#include "ext/discovery.h"
#include "ext/health.h"
#include "ext/poll.h"
#include "ext/prepare.h"
#include "ext/recover.h"
#include "ext/validate.h"
#include "host/events.h"
#include "host/poll.h"
#include "host/report.h"

#endif
