// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/daemon.hpp"

int main(int argc, char** argv) {
    knd::StepObserver observer;
    return knd::run_kndd(argc, argv, observer);
}
