// All rights reserved.
#pragma once
